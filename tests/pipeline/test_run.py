"""Live flow: the newest frame wins at the entrance, none is lost behind it, changes are sharp."""

from __future__ import annotations

import threading

import pytest
from stand_ins import CountingSource, Gate, Step, Tap, draw, eventually, failing, our_threads

from masquerade.core.errors import OutputError
from masquerade.core.frame import Change
from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.flow import Flow
from masquerade.pipeline.line import Line
from masquerade.pipeline.meter import Meter
from masquerade.pipeline.pacer import Pacer
from masquerade.pipeline.run import Run
from masquerade.testing import FakeClock

LIVE = Flow(frames_alive=2, capacity=1, live=True)


@pytest.fixture(autouse=True)
def no_thread_survives():
    yield
    assert our_threads() == []


class Stream:
    """A run over a tap, with what it emitted."""

    def __init__(self, *groups, flow=LIVE, source=None, **options):
        self.source = source or Tap()
        self.line = Line(groups, concealment=Concealment("hold", 0.3))
        self.meter = Meter()
        self.emitted = []
        self.run = Run(
            self.source, self.line.sections, self.emitted.append, self.meter, flow, **options
        )

    @property
    def seqs(self):
        return [job.frame.seq for job in self.emitted]

    def __enter__(self):
        self.run.start()
        return self

    def __exit__(self, *_):
        self.source.close()
        assert self.run.wait_for_end(20)
        assert self.run.stop(20) == []


def test_only_the_newest_frame_waits_at_the_entrance():
    gate = Gate(0)
    with Stream([Step("a", gate)]) as stream:
        stream.source.pour()
        assert gate.reached.wait(20)
        stream.source.pour(9)
        eventually(lambda: stream.meter.losses["dropped"] == 8)
        gate.opened.set()
    assert stream.seqs == [0, 9]
    assert stream.meter.losses == {"lagged": 0, "skipped": 0, "dropped": 8}
    assert stream.meter.alive == 0


def test_a_slow_section_in_the_middle_never_piles_frames_up():
    gate = Gate(0)
    with Stream([Step("a")], [Step("b", gate)], [Step("c")]) as stream:
        stream.source.pour()
        assert gate.reached.wait(20)
        stream.source.pour(30)
        eventually(lambda: stream.meter.losses["dropped"] >= 28)
        assert stream.run.permits.held == 2
        gate.opened.set()
    # One more was let in with the second permit, be it the newest; then came the newest.
    assert stream.seqs[0] == 0
    assert stream.seqs[-1] == 30
    assert len(stream.seqs) in (2, 3)
    assert stream.seqs == sorted(stream.seqs)
    assert len(stream.seqs) + stream.meter.losses["dropped"] == 31


def test_a_raised_limit_lets_more_in_at_once():
    gate, first = Gate(0), Step("a")
    with Stream([first], [Step("b", gate)], [Step("c")]) as stream:
        stream.source.pour()
        assert gate.reached.wait(20)
        stream.source.pour()
        eventually(lambda: first.seen == [0, 1])
        stream.run.permits.limit = 3
        stream.source.pour()
        eventually(lambda: stream.run.permits.held == 3)
        gate.opened.set()
    assert stream.seqs == [0, 1, 2]


def recolour(value):
    def turn(_stage):
        return Step("paint", draw(value))

    return Change({"paint": turn})


def values(stream):
    return [int(job.output[0, 0, 0]) for job in stream.emitted]


def test_a_change_begins_with_one_frame_and_holds_from_there():
    with Stream([Step("find")], [Step("paint", draw(10))]) as stream:
        for _ in range(3):
            stream.source.pour()
            eventually(lambda: len(stream.emitted) == stream.source.poured)
        stream.run.change(recolour(20))
        for _ in range(3):
            stream.source.pour()
            eventually(lambda: len(stream.emitted) == stream.source.poured)
    assert values(stream) == [10, 10, 10, 20, 20, 20]
    assert [job.version for job in stream.emitted] == [0, 0, 0, 1, 1, 1]


def test_after_a_change_that_hides_no_older_frame_is_emitted():
    """Frames are under way in every place when the donor changes: none of them may come out."""
    gate = Gate(0)
    paint = Step("paint", draw(10))
    with Stream([Step("find")], [paint], [Step("late", gate)]) as stream:
        stream.source.pour()
        assert gate.reached.wait(20)
        stream.source.pour()
        eventually(lambda: paint.seen == [0, 1])
        stream.run.change(recolour(20), hide_older=True)
        gate.opened.set()
        stream.source.pour()
        eventually(lambda: len(stream.emitted) == 1)
    assert stream.seqs == [2]
    assert values(stream) == [20]
    assert stream.meter.losses["skipped"] == 2


def test_a_hidden_frame_is_hidden_even_while_it_waits_for_its_moment():
    clock = FakeClock()

    class Slow(Pacer):
        def due_s(self, seq, captured_s, ready_s):
            waits.set()
            return ready_s + 0.3

    waits = threading.Event()
    with Stream([Step("paint", draw(10))], pacer=Slow(0.04), clock=clock) as stream:
        stream.source.pour()
        assert waits.wait(20)
        stream.run.change(recolour(20), hide_older=True)
    assert stream.emitted == []


def test_nothing_is_emitted_while_paused_and_the_stream_goes_on_afterwards():
    with Stream([Step("a")]) as stream:
        stream.source.pour()
        eventually(lambda: stream.seqs == [0])
        stream.run.pause()
        assert stream.run.paused
        stream.source.pour(5)
        # The one that is still alive is the one that the source is waiting for.
        eventually(lambda: stream.source.given == 6 and stream.meter.alive == 1)
        stream.run.resume()
        stream.source.pour()
        eventually(lambda: stream.seqs[-1] == 6)
    assert stream.seqs == [0, 6]


def test_a_paused_file_waits_and_loses_nothing():
    flow = Flow(frames_alive=4)
    stream = Stream([Step("a")], flow=flow, source=CountingSource(20))
    stream.run.pause()
    with stream:
        assert stream.run.wait(0, 0.05)
        assert stream.seqs == []
        stream.run.resume()
    assert stream.seqs == list(range(20))


def test_a_frame_past_its_deadline_is_not_worked_on_and_shows_the_last_good_picture():
    clock = FakeClock()
    steps = [Step("a"), Step("b", draw(50))]
    flow = Flow(frames_alive=2, capacity=1, live=True, deadline_s=0.5)
    with Stream(steps[:1], steps[1:], flow=flow, clock=clock) as stream:
        stream.source.pour(captured_s=0.0)
        eventually(lambda: stream.seqs == [0])
        clock.advance(1.0)
        stream.source.pour(captured_s=0.4)
        eventually(lambda: stream.seqs == [0, 1])
    assert steps[0].seen == steps[1].seen == [0]
    assert values(stream) == [50, 50]
    assert stream.meter.losses["skipped"] == 1


def test_latency_is_from_capture_to_the_exit():
    clock = FakeClock()
    with Stream([Step("a", lambda job: clock.advance(0.02))], clock=clock) as stream:
        for _ in range(5):
            stream.source.pour(captured_s=clock())
            eventually(lambda: len(stream.emitted) == stream.source.poured)
    assert stream.meter.latency_ms.p50 == pytest.approx(20, abs=0.5)
    assert stream.run.busy_s()["a"] == pytest.approx(0.1)


def test_a_stage_that_cannot_go_on_ends_the_run_though_the_source_is_silent():
    stream = Stream([Step("a", failing(OutputError("gone")))])
    stream.run.start()
    stream.source.pour()
    eventually(lambda: stream.run.error is not None)
    stream.source.close()
    assert stream.run.stop(20) == []
    assert "gone" in str(stream.run.error)


def test_a_thread_that_hangs_is_named_and_holds_nobody_up():
    gate = Gate(0)
    stream = Stream([Step("stuck", gate)])
    stream.run.start()
    stream.source.pour()
    assert gate.reached.wait(20)
    stream.source.close()
    assert stream.run.stop(0.05) == ["masquerade-stuck"]
    gate.opened.set()
    assert stream.run.stop(20) == []
