"""Sinks beside each other: a slow one loses frames for itself, a broken one ends alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from stand_ins import ListSink, draw, eventually, our_threads, picture

from masquerade.core.errors import OutputError, SettingsError
from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob, Patch
from masquerade.pipeline.fanout import Fanout


@pytest.fixture(autouse=True)
def no_thread_survives():
    yield
    assert our_threads() == []


def job(seq):
    made = FrameJob(Frame(picture(seq), seq=seq))
    draw(200)(made)
    return made


class HeldSink(ListSink):
    """Blocks in its first write until it is let go or aborted."""

    def __init__(self):
        super().__init__()
        self.reached, self.let_go = threading.Event(), threading.Event()

    def write(self, frame):
        self.reached.set()
        assert self.let_go.wait(20)
        super().write(frame)

    def abort(self):
        super().abort()
        self.let_go.set()


def test_every_sink_gets_every_frame_and_is_committed():
    sinks = {"a": ListSink(), "b": ListSink()}
    fanout = Fanout(sinks)
    fanout.start()
    for seq in range(10):
        fanout.put(job(seq))
        eventually(lambda n=seq + 1: all(len(sink.seqs) == n for sink in sinks.values()))
    fanout.finish(20)
    assert all(sink.state == "committed" for sink in sinks.values())
    assert all((pixels == 200).all() for pixels in sinks["a"].pictures)
    assert [(s.name, s.frames, s.dropped, s.error) for s in fanout.states()] == [
        ("a", 10, 0, None),
        ("b", 10, 0, None),
    ]


def test_a_slow_sink_loses_frames_for_itself_alone():
    slow, quick = HeldSink(), ListSink()
    fanout = Fanout({"slow": slow, "quick": quick})
    fanout.start()
    fanout.put(job(0))
    assert slow.reached.wait(20)
    for seq in range(1, 21):
        fanout.put(job(seq))
        eventually(lambda n=seq + 1: len(quick.seqs) == n)
    slow.let_go.set()
    fanout.finish(20)
    assert quick.seqs == list(range(21))
    assert slow.seqs == [0, 17, 18, 19, 20]
    assert [state.dropped for state in fanout.states()] == [16, 0]


def test_a_sink_that_fails_ends_and_the_others_go_on():
    broken = ListSink(fail_at=2, error=OutputError("The disk is full."))
    good, lost = ListSink(), threading.Event()
    fanout = Fanout({"broken": broken, "good": good}, on_last_lost=lost.set)
    fanout.start()
    for seq in range(6):
        fanout.put(job(seq))
        eventually(lambda n=seq + 1: len(good.seqs) == n)
    eventually(lambda: fanout.error is not None)
    fanout.finish(20)
    assert good.seqs == list(range(6))
    assert (good.state, broken.state) == ("committed", "aborted")
    assert "disk is full" in str(fanout.error)
    assert not lost.is_set()


@pytest.mark.parametrize("error", [OutputError("gone"), ZeroDivisionError("odd")])
def test_when_the_last_sink_fails_the_stream_is_told(error):
    lost = threading.Event()
    fanout = Fanout({"only": ListSink(fail_at=0, error=error)}, on_last_lost=lost.set)
    fanout.start()
    fanout.put(job(0))
    assert lost.wait(20)
    fanout.finish(20)
    assert isinstance(fanout.error, OutputError)
    assert str(error) in str(fanout.error)


def test_a_sink_that_hangs_at_the_end_is_broken_off():
    sink = HeldSink()
    fanout = Fanout({"hung": sink})
    fanout.start()
    fanout.put(job(0))
    assert sink.reached.wait(20)
    fanout.finish(0.05)
    assert "broken off" in str(fanout.error)


def test_a_flush_takes_back_what_nobody_has_begun_to_write():
    sink = HeldSink()
    fanout = Fanout({"a": sink})
    fanout.start()
    fanout.put(job(0))
    assert sink.reached.wait(20)
    fanout.put(job(1))
    fanout.flush()
    fanout.put(job(2))
    sink.let_go.set()
    fanout.finish(20)
    assert sink.seqs == [0, 2]


def test_a_sink_for_the_maker_also_gets_the_picture_from_before():
    class Beside(ListSink):
        wants_original = True

        def write_beside(self, frame, original):
            pairs.append((frame.pixels, original))

    pairs = []
    fanout = Fanout({"window": Beside()})
    fanout.start()
    fanout.put(job(7))
    fanout.finish(20)
    [(after, before)] = pairs
    assert (after == 200).all()
    assert np.array_equal(before, picture(7))


def test_sinks_that_never_started_are_aborted():
    sinks = [ListSink(), ListSink()]
    fanout = Fanout(dict(zip("ab", sinks, strict=True)))
    fanout.finish(1)
    assert [sink.state for sink in sinks] == ["aborted", "aborted"]


class TestComingAndGoing:
    def test_a_sink_joins_and_leaves_while_frames_flow(self):
        first, second = ListSink(), ListSink()
        fanout = Fanout({"first": first})
        fanout.start()
        for seq in range(9):
            if seq == 3:
                fanout.add("second", second)
            if seq == 6:
                eventually(lambda: second.seqs == [3, 4, 5])
                fanout.remove("second", 20)
                assert second.state == "committed"
            fanout.put(job(seq))
            eventually(lambda n=seq: first.seqs[-1:] == [n])
        assert [state.name for state in fanout.states()] == ["first"]
        fanout.finish(20)
        assert first.seqs == list(range(9))
        assert second.seqs == [3, 4, 5]

    def test_a_name_is_given_once_and_a_stranger_cannot_leave(self):
        fanout, late = Fanout({"a": ListSink()}), ListSink()
        fanout.start()
        with pytest.raises(SettingsError, match="switch that one off"):
            fanout.add("a", late)
        assert late.state == "aborted"
        with pytest.raises(SettingsError, match="no output b"):
            fanout.remove("b", 1)
        fanout.finish(20)

    @pytest.mark.parametrize("started", [False, True])
    def test_nobody_joins_a_stream_that_does_not_run(self, started):
        fanout, late = Fanout({}), ListSink()
        if started:
            fanout.start()
            fanout.finish(1)
        with pytest.raises(OutputError, match="does not run"):
            fanout.add("late", late)
        assert late.state == "aborted"

    def test_a_sink_that_failed_says_so_when_it_leaves_and_is_forgotten(self):
        broken = ListSink(fail_at=0, error=OutputError("The disk is full."))
        fanout = Fanout({"good": ListSink()})
        fanout.start()
        fanout.add("broken", broken)
        fanout.put(job(0))
        eventually(lambda: fanout.error is not None)
        with pytest.raises(OutputError, match="disk is full"):
            fanout.remove("broken", 20)
        assert fanout.error is None
        fanout.add("broken", ListSink())
        fanout.finish(20)

    def test_a_flush_tells_sinks_that_keep_frames(self):
        class Keeping(ListSink):
            taken_back = None

            def take_back(self, seq):
                self.taken_back = seq

        sink = Keeping()
        fanout = Fanout({"a": sink})
        fanout.start()
        for seq in range(3):
            fanout.put(job(seq))
        fanout.flush()
        assert sink.taken_back == 2
        fanout.finish(20)


def test_frames_say_what_became_of_their_faces():
    made = job(0)
    boxes = [(-5, 2, 8, 9), (0, 0, 6, 6), (3, 3, 40, 40), (1, 1, 2, 2)]
    made.faces = [
        Face(np.array(box, np.float32), 0.9, track_id=track, selected=track != 3, donor="d")
        for track, box in enumerate(boxes)
    ]
    made.patches = [Patch(0, (0, 2, 8, 9), made.frame.pixels, made.frame.pixels[..., 0])]
    facts = made.face_facts(passes=False)
    assert [fact.outcome for fact in facts] == ["swapped", "concealed", "concealed", "passed"]
    assert [fact.box for fact in facts[:3]] == [(0, 2, 8, 9), (0, 0, 6, 6), (3, 3, 16, 12)]
    assert made.face_facts(passes=True)[1].outcome == "passed"
    made.faces[1].refused = True
    assert made.face_facts(passes=True)[1].outcome == "concealed"
    made.late = True
    assert made.face_facts(passes=False)[0].outcome == "concealed"
    seen = []

    class Witness(ListSink):
        def write(self, frame):
            seen.append(frame.faces)

    fanout = Fanout({"a": Witness()})
    fanout.start()
    fanout.put(made, facts)
    fanout.finish(20)
    assert seen == [facts]
