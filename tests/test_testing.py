"""The testing package does what it says, and its contracts catch what they should."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import masquerade.testing as testing
from masquerade.core.errors import OutputError
from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.testing import (
    Actor,
    ExposureAudit,
    FailingStage,
    FakeClock,
    MemorySink,
    MemorySource,
    NullSwap,
    PuppetSource,
    Scene,
    StandInStage,
    assert_sink_contract,
    assert_source_contract,
    assert_stage_contract,
    is_shown,
    likeness,
    no_leaked_threads,
    untouched_share,
)


def pictures(count=3):
    return [np.full((8, 12, 3), 20 * k, np.uint8) for k in range(count)]


def job(seq=0, *, selected=True):
    face = Face(np.array([2, 1, 9, 7], np.float32), 0.9, track_id=4, selected=selected)
    return FrameJob(Frame(np.full((8, 12, 3), seq, np.uint8), seq, seq), faces=[face])


def test_every_exported_name_is_there():
    assert len(set(testing.__all__)) == len(testing.__all__)
    assert all(hasattr(testing, name) for name in testing.__all__)


def test_the_clock_moves_only_forwards_and_only_when_told():
    clock = FakeClock()
    assert clock() == clock() == 0
    clock.advance(1.5)
    assert clock() == 1.5
    assert clock.now_ns() == 1_500_000_000
    with pytest.raises(ValueError, match="back"):
        clock.advance(-0.1)


def test_a_stand_in_takes_its_time_on_the_clock():
    clock = FakeClock()
    stage = StandInStage(
        "slow", lambda job: job.writable_output().fill(9), clock=clock, latency_s=0.02
    )
    for seq in range(3):
        done = stage.process(job(seq))
    assert clock() == pytest.approx(0.06)
    assert stage.seen == [0, 1, 2]
    assert (done.output == 9).all()


def test_a_failing_stage_fails_where_it_should():
    inner = StandInStage("swap")
    stage = FailingStage(inner, lambda seq: seq == 1, ValueError("boom"))
    assert stage.name == "swap"
    stage.process(job(0))
    with pytest.raises(ValueError, match="boom"):
        stage.process(job(1))
    assert inner.seen == [0]
    stage.reset()
    assert inner.resets == 1


def test_the_null_swap_paints_selected_faces_only():
    assert NullSwap().process(job(selected=False)).patches == []
    (patch,) = NullSwap((1, 2, 3)).process(job()).patches
    assert patch.box == (2, 1, 9, 7)
    assert (patch.pixels == (1, 2, 3)).all()
    assert (patch.mask == 255).all()


def test_a_memory_sink_keeps_nothing_that_was_not_committed():
    sink = MemorySink(fail_at=1)
    frames = list(MemorySource(pictures()))
    sink.write(frames[0])
    assert sink.frames == []
    with pytest.raises(OutputError, match="space"):
        sink.write(frames[1])
    sink.abort()
    assert (sink.state, sink.frames) == ("aborted", [])
    with pytest.raises(OutputError, match="aborted"):
        sink.write(frames[0])


class TestThreads:
    def test_a_thread_that_ends_is_fine(self):
        with no_leaked_threads():
            threading.Thread(target=lambda: None).start()

    def test_a_thread_that_stays_is_named(self):
        stop = threading.Event()
        with (
            pytest.raises(AssertionError, match="stays-behind"),
            no_leaked_threads(join_s=0.01),
        ):
            thread = threading.Thread(target=stop.wait, name="stays-behind")
            thread.start()
        stop.set()
        thread.join()


class TestSourceContract:
    def test_kept(self):
        assert_source_contract(lambda: MemorySource(pictures()))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda frames: frames[1:], "3 frames are announced, 2 came"),
            (lambda frames: [frames[0], frames[2], frames[1]], "seq has gaps"),
            (lambda frames: [Frame(f.pixels, f.seq, 5) for f in frames], "time does not rise"),
            (
                lambda frames: [Frame(f.pixels[:, ::2], f.seq, f.seq) for f in frames],
                r"\(8, 6, 3\)",
            ),
        ],
    )
    def test_broken(self, change, message):
        class Broken(MemorySource):
            def __iter__(self):
                yield from change(list(super().__iter__()))

        with pytest.raises(AssertionError, match=message):
            assert_source_contract(lambda: Broken(pictures()))

    def test_a_buffer_that_is_used_again(self):
        class Reusing(MemorySource):
            def __iter__(self):
                buffer = np.zeros((8, 12, 3), np.uint8)
                for frame in super().__iter__():
                    buffer[:] = frame.pixels
                    yield Frame(buffer, frame.seq, frame.pts)

        with pytest.raises(AssertionError, match="changed"):
            assert_source_contract(lambda: Reusing(pictures()))

    def test_a_source_that_cannot_be_closed(self):
        class Endless(MemorySource):
            def close(self):
                pass

        with pytest.raises(AssertionError, match="closed source"):
            assert_source_contract(lambda: Endless(pictures()))


class TestSinkContract:
    def run(self, kind):
        made = []

        def make():
            made.append(kind())
            return made[-1]

        frames = list(MemorySource(pictures()))
        assert_sink_contract(make, frames, lambda: any(sink.frames for sink in made))

    def test_kept(self):
        self.run(MemorySink)

    def test_half_a_file_is_caught(self):
        class Leaky(MemorySink):
            def write(self, frame):
                self.frames.append(frame)

            def commit(self):
                pass

        with pytest.raises(AssertionError, match="left something"):
            self.run(Leaky)

    def test_a_sink_that_draws_into_frames_is_caught(self):
        class Drawing(MemorySink):
            def write(self, frame):
                frame.pixels[0] = 255
                super().write(frame)

        with pytest.raises(AssertionError, match="changed pixels"):
            self.run(Drawing)


class TestStageContract:
    def test_kept(self):
        assert_stage_contract(NullSwap(), lambda: [job(0), job(1)])

    def test_writing_into_the_frame_is_caught(self):
        stage = StandInStage("vandal", lambda job: job.frame.pixels.fill(0))
        with pytest.raises(ValueError, match="read-only"):
            assert_stage_contract(stage, lambda: [job(1)])

    def test_a_memory_that_survives_reset_is_caught(self):
        stage = StandInStage("counter")
        stage._action = lambda job: job.writable_output().fill(len(stage.seen))
        with pytest.raises(AssertionError, match="after reset"):
            assert_stage_contract(stage, lambda: [job(1)])

    def test_another_job_is_caught(self):
        class Swapping(NullSwap):
            def process(self, _):
                return job()

        with pytest.raises(AssertionError, match="another job"):
            assert_stage_contract(Swapping(), lambda: [job()])


class TestExposure:
    """One actor, five frames a second, who leaves the frame and comes back; then a cut."""

    @pytest.fixture(scope="class", name="shots")
    @staticmethod
    def _shots():
        path = ((0, 0.5, 0.45), (1, 0.5, 0.45), (1.6, 1.8, 0.45), (2.6, 0.5, 0.45), (4, 0.5, 0.45))
        actor = Actor(portrait="astronaut", path=path)
        scenes = [Scene(actors=(actor,), seconds=4), Scene(actors=(Actor(),), seconds=1)]
        return list(PuppetSource(scenes, size_wh=(200, 150), rate=5).pairs())

    def audit(self, shots, conceals):
        audit = ExposureAudit()
        for frame, truth in shots:
            output = frame.pixels
            if conceals(truth.seq):
                output = np.full_like(frame.pixels, 90)
            audit.look(frame.pixels, output, truth)
        return audit.exposure

    def test_the_untouched_face_counts_as_never_found(self, shots):
        counts = self.audit(shots, lambda seq: False)
        assert counts.before_first == counts.visible > 15
        assert counts.concealed == counts.leaked == 0

    def test_a_concealed_face_never_leaks(self, shots):
        counts = self.audit(shots, lambda seq: True)
        assert counts.concealed == counts.visible
        assert counts.leaked == counts.before_first == counts.after_return == 0

    def test_one_open_frame_is_a_leak(self, shots):
        counts = self.audit(shots, lambda seq: seq != 3)
        assert counts.leaks == ((3, "a"),)

    def test_the_first_frames_of_a_scene_are_no_leak(self, shots):
        counts = self.audit(shots, lambda seq: seq not in (0, 1, 20))
        assert counts.before_first == 3
        assert counts.leaked == 0

    def test_the_first_frames_after_a_return_are_counted_apart(self, shots):
        hidden = [truth.seq for _, truth in shots if not truth.heads[0].visible]
        counts = self.audit(shots, lambda seq: seq not in (hidden[-1] + 1, hidden[-1] + 2))
        assert counts.after_return == 2
        assert counts.leaked == 0

    def test_half_a_face_is_shown(self, shots):
        frame, truth = shots[2]
        head = truth.heads[0]
        half = frame.pixels.copy()
        half[:, : int(head.landmarks[4, 0])] = 90
        assert 0.3 < untouched_share(frame.pixels, half, head) < 0.7
        assert is_shown(frame.pixels, half, head)

    def test_light_and_colour_do_not_hide_a_face_but_blur_does(self, shots):
        import cv2

        frame, truth = shots[2]
        head = truth.heads[0]
        tinted = np.clip(frame.pixels * (0.6, 0.8, 1.1) + 20, 0, 255).astype(np.uint8)
        assert likeness(frame.pixels, tinted, head) > 0.9
        blurred = cv2.GaussianBlur(frame.pixels, (0, 0), 0.08 * head.size_px)
        assert likeness(frame.pixels, blurred, head) < 0.8
