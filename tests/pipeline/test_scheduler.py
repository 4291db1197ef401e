"""Frames in order, few in memory, all stages at work at once, and nothing left behind."""

from __future__ import annotations

import signal
import sys
import threading

import cv2
import pytest
from stand_ins import (
    Census,
    CountingSource,
    ListSink,
    Step,
    draw,
    failing,
    our_threads,
    selected_face,
)

from masquerade.core.errors import CancelledError, CorruptMediaError, ModelError, OutputError
from masquerade.core.protocols import Sink, Source
from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.line import Line
from masquerade.pipeline.scheduler import Scheduler

PATIENCE_S = 20


@pytest.fixture(autouse=True)
def no_thread_survives():
    yield
    assert our_threads() == []


def line(*groups, finish=(), **options):
    return Line(groups, finish=finish, concealment=Concealment("hold", 0.3), **options)


def test_stand_ins_are_what_they_stand_for():
    assert isinstance(CountingSource(1), Source)
    assert isinstance(ListSink(), Sink)


def test_every_frame_arrives_once_in_order_through_named_threads():
    steps = [Step("detect"), Step("swap"), Step("disclose")]
    sink, jobs = ListSink(), []
    meter = Scheduler().run(
        CountingSource(200), line(steps[:1], steps[1:2], finish=steps[2:]), sink, on_job=jobs.append
    )
    assert sink.seqs == [job.frame.seq for job in jobs] == list(range(200))
    assert sink.state == "committed"
    assert [step.seen for step in steps] == [list(range(200))] * 3
    assert [step.threads for step in steps] == [
        {"masquerade-detect"},
        {"masquerade-swap"},
        {"masquerade-conceal+disclose"},
    ]
    assert meter.frames == 200
    assert meter.alive == 0
    assert list(meter.stage_times()) == ["detect", "swap", "conceal", "disclose"]


def test_an_empty_source_commits_an_empty_sink():
    sink = ListSink()
    Scheduler().run(CountingSource(0), line([Step("a")]), sink)
    assert (sink.seqs, sink.state) == ([], "committed")


def test_all_sections_work_at_the_same_time():
    """S11: frame n+2, n+1 and n meet in the three sections, so the slowest sets the pace.

    Were two sections run in turn, the barrier would never fill and the run would fail.
    """
    count = 40
    meeting = threading.Barrier(3, timeout=PATIENCE_S)

    def meet(first, last):
        return lambda job: first <= job.frame.seq <= last and meeting.wait()

    steps = [
        Step("a", meet(2, count - 1)),
        Step("b", meet(1, count - 2)),
        Step("c", meet(0, count - 3)),
    ]
    sink = ListSink()
    Scheduler().run(CountingSource(count), line(*([step] for step in steps)), sink)
    assert sink.seqs == list(range(count))


@pytest.mark.parametrize("frames_alive", [1, 2, 5])
def test_never_more_frames_in_memory_than_allowed(frames_alive):
    """S12a, counted on the pixels themselves and not on the pipeline's own word for it."""
    census = Census()
    meter = Scheduler(frames_alive=frames_alive).run(
        CountingSource(40, census=census),
        line([Step("a")], [Step("b", draw(3))], finish=[Step("c")]),
        ListSink(keep=False),
    )
    assert meter.frames == 40
    assert 1 <= census.peak <= frames_alive
    assert meter.peak_alive <= frames_alive
    assert census.count() == 0


def test_a_blocked_sink_stops_the_source_at_the_limit():
    gate, source = threading.Event(), CountingSource(30)
    reached = []

    class SlowSink(ListSink):
        def write(self, frame):
            gate.wait(PATIENCE_S)
            super().write(frame)

    def release(job):
        reached.append(source.read)
        if job.frame.seq == 2:
            gate.set()

    sink = SlowSink()
    Scheduler(frames_alive=3).run(source, line([Step("a", release)]), sink)
    assert max(reached[:3]) <= 3
    assert sink.seqs == list(range(30))


@pytest.mark.parametrize("seq", [0, 7])
def test_a_source_that_breaks_midway_aborts_the_sink(seq):
    sink = ListSink()
    with pytest.raises(CorruptMediaError, match="damaged"):
        Scheduler().run(
            CountingSource(50, fail_at=seq, error=CorruptMediaError("damaged")),
            line([Step("a")]),
            sink,
        )
    assert sink.state == "aborted"


def test_a_full_disk_stops_an_endless_source_and_aborts_the_sink():
    sink = ListSink(fail_at=5, error=OutputError("No space left."))
    with pytest.raises(OutputError, match="No space"):
        Scheduler().run(CountingSource(), line([Step("a")], [Step("b")]), sink)
    assert sink.state == "aborted"
    assert sink.seqs == [0, 1, 2, 3, 4]


def test_a_failing_swap_costs_faces_and_not_the_film():
    def find(job):
        job.faces = [selected_face(1)]

    conceal = Step("composite", draw(99))
    jobs = []
    sink = ListSink()
    Scheduler().run(
        CountingSource(12),
        line([Step("detect", find)], [Step("swap", failing(ModelError("x"), 3, 4)), conceal]),
        sink,
        on_job=jobs.append,
    )
    assert [job.frame.seq for job in jobs if job.failures] == [3, 4]
    assert conceal.seen == list(range(12))
    assert all((pixels == 99).all() for pixels in sink.pictures)


def test_a_lost_frame_shows_the_last_good_picture():
    sink = ListSink()
    paint = Step("composite", lambda job: draw(100 + job.frame.seq)(job))
    Scheduler().run(
        CountingSource(6), line([Step("detect", failing(ValueError("x"), 3))], [paint]), sink
    )
    assert [int(pixels[0, 0, 0]) for pixels in sink.pictures] == [100, 101, 102, 102, 104, 105]


def test_an_error_of_the_label_stops_everything():
    sink = ListSink()
    broken = Step("disclose", failing(ZeroDivisionError(), 2))
    with pytest.raises(ZeroDivisionError):
        Scheduler().run(CountingSource(), line([Step("a")], finish=[broken]), sink)
    assert sink.state == "aborted"
    assert sink.seqs in ([], [0], [0, 1])


def test_what_is_not_accepted_is_aborted():
    def refuse():
        raise OutputError("no")

    sink = ListSink()
    with pytest.raises(OutputError):
        Scheduler().run(CountingSource(3), line([Step("a")]), sink, accept=refuse)
    assert (sink.seqs, sink.state) == ([0, 1, 2], "aborted")


def test_progress_is_told_in_the_callers_thread_and_ends_at_the_total():
    told, threads = [], set()

    def listen(progress):
        told.append(progress)
        threads.add(threading.current_thread())

    Scheduler(progress_every_s=0).run(
        CountingSource(60), line([Step("a")]), ListSink(), on_progress=listen
    )
    assert threads == {threading.current_thread()}
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[-1].done, told[-1].total) == (60, 60)


def test_an_exception_of_the_progress_callback_stops_the_run():
    def listen(progress):
        raise LookupError("mine")

    sink = ListSink()
    with pytest.raises(LookupError, match="mine"):
        Scheduler().run(CountingSource(), line([Step("a")]), sink, on_progress=listen)
    assert sink.state == "aborted"


@pytest.mark.skipif(sys.platform == "win32", reason="signals to one thread are POSIX")
@pytest.mark.parametrize("where", ["a", "b"])
def test_ctrl_c_stops_an_endless_run_and_aborts_the_sink(where):
    def press(job):
        if job.frame.seq == 6:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    steps = [Step(name, press if name == where else lambda job: None) for name in "ab"]
    sink = ListSink(keep=False)
    with pytest.raises(CancelledError):
        Scheduler().run(CountingSource(), line(steps[:1], steps[1:]), sink)
    assert sink.state == "aborted"


def test_opencv_uses_one_thread_while_the_line_runs_and_its_own_number_afterwards():
    before, during = cv2.getNumThreads(), set()
    step = Step("a", lambda job: during.add(cv2.getNumThreads()))
    Scheduler().run(CountingSource(3), line([step]), ListSink())
    with pytest.raises(ValueError, match="x"):
        Scheduler().run(
            CountingSource(3, fail_at=1, error=ValueError("x")), line([step]), ListSink()
        )
    assert during == {1}
    assert cv2.getNumThreads() == before
