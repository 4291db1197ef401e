from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob, Patch
from masquerade.core.settings import Settings
from masquerade.stages.heads import HeadMemory, covers
from masquerade.stages.strict import Strict
from masquerade.testing import assert_stage_contract

SIZE = 240
STRICT = Settings(strict=True)
GREY = 96


def box(x: float, y: float, side: float = 40) -> np.ndarray:
    return np.array([x, y, x + side, y + side], np.float32)


class FakeDetector:
    """Sees the heads that it is told, and remembers how it was asked."""

    def __init__(self) -> None:
        self.heads: list[np.ndarray] = []
        self.calls: list[tuple[bool, int]] = []

    def find(
        self, pixels_bgr: np.ndarray, min_score: float, *, thorough: bool, turn: int
    ) -> list[Face]:
        self.calls.append((thorough, 0))
        return [Face(head, min_score) for head in self.heads]

    def find_turned(
        self, pixels_bgr: np.ndarray, quarters: int, min_score: float, *, thorough: bool
    ) -> list[Face]:
        self.calls.append((thorough, quarters))
        return []


def job(*faces: Face, number: int = 0, scene: int = 0, patched: bool = True) -> FrameJob:
    pixels = np.random.default_rng(3).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    frame = Frame(pixels, number, number, Fraction(1, 25))
    made = FrameJob(frame, list(faces), scene=scene)
    if patched:
        made.patches = [
            Patch(face.track_id, (0, 0, 1, 1), pixels[:1, :1], np.zeros((1, 1), np.uint8))
            for face in faces
            if face.selected
        ]
    return made


def face(at: np.ndarray, track: int = 0, *, selected: bool = True) -> Face:
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 26), np.linspace(0, 1, 18)), -1).reshape(-1, 2)
    points = np.zeros((478, 3), np.float32)
    points[:468, :2] = at[:2] + grid * (at[2:] - at[:2])
    return Face(at, 0.9, landmarks=points, track_id=track, selected=selected)


def is_hidden(done: FrameJob, at: np.ndarray) -> bool:
    x0, y0, x1, y1 = at.astype(int)
    changed = (done.output != done.frame.pixels)[y0:y1, x0:x1].any(axis=2)
    return bool(changed.mean() > 0.95)


def test_without_strict_nothing_is_searched_and_nothing_copied() -> None:
    detector = FakeDetector()
    done = Strict(detector, Settings()).process(job(face(box(90, 90), selected=False)))
    assert done.output is done.frame.pixels
    assert detector.calls == []


def test_a_head_that_nobody_follows_is_hidden() -> None:
    detector = FakeDetector()
    detector.heads = [box(90, 90)]
    done = Strict(detector, STRICT).process(job())
    assert is_hidden(done, box(90, 90))
    assert not is_hidden(done, box(10, 10, 30))


def test_bystanders_and_the_lost_are_hidden_though_the_detector_sees_nothing() -> None:
    by, lost = face(box(20, 20), 0, selected=False), face(box(150, 150), 1)
    done = Strict(FakeDetector(), STRICT).process(job(by, lost, patched=False))
    assert is_hidden(done, by.bbox)
    assert is_hidden(done, lost.bbox)


def test_a_finished_swap_is_left_as_it_is() -> None:
    detector = FakeDetector()
    detector.heads = [box(92, 94, 38), box(100, 100, 15)]
    done = Strict(detector, STRICT).process(job(face(box(90, 90))))
    assert done.output is done.frame.pixels


def test_beside_a_finished_swap_only_its_own_face_stays_open() -> None:
    detector = FakeDetector()
    detector.heads = [box(120, 90)]
    swapped = face(box(90, 90))
    done = Strict(detector, STRICT).process(job(swapped))
    changed = (done.output != done.frame.pixels).any(axis=2)
    assert not changed[91:129, 91:129].any()
    assert is_hidden(done, box(132, 92, 26))


def test_a_head_is_hidden_for_a_second_after_it_was_seen_and_where_it_went() -> None:
    detector = FakeDetector()
    stage = Strict(detector, STRICT)
    for number in range(5):
        detector.heads = [box(40 + 4 * number, 60)]
        stage.process(job(number=number))
    detector.heads = []
    hidden = [
        is_hidden(stage.process(job(number=number)), box(40 + 4 * min(number, 9), 60))
        for number in range(5, 40)
    ]
    assert hidden.count(True) == 25
    assert hidden[:25] == [True] * 25


def test_a_cut_is_searched_thoroughly_and_in_all_turns_and_forgets() -> None:
    detector = FakeDetector()
    stage = Strict(detector, STRICT)
    detector.heads = [box(90, 90)]
    stage.process(job())
    stage.process(job(number=1))
    stage.process(job(number=2))
    assert detector.calls[:4] == [(True, 0), (True, 1), (True, 3), (True, 2)]
    assert detector.calls[4:] == [(False, 0), (False, 3), (False, 0), (False, 2)]
    detector.heads, detector.calls = [], []
    done = stage.process(job(number=3, scene=1))
    assert len(detector.calls) == 4
    assert done.output is done.frame.pixels


@pytest.mark.parametrize(("on_lost", "flat"), [("blank", True), ("blur", False), ("pass", False)])
def test_how_it_hides(on_lost: str, flat: bool) -> None:
    detector = FakeDetector()
    detector.heads = [box(90, 90)]
    done = Strict(detector, Settings(strict=True, on_lost=on_lost)).process(job())
    assert is_hidden(done, box(90, 90))
    assert bool((done.output[100:120, 100:120] == GREY).all()) == flat


def test_it_can_be_switched_on_between_two_frames() -> None:
    detector = FakeDetector()
    detector.heads = [box(90, 90)]
    stage = Strict(detector, Settings())
    stage.process(job())
    stage.configure(STRICT)
    assert is_hidden(stage.process(job(number=1)), box(90, 90))
    assert detector.calls[0] == (True, 0)
    stage.configure(Settings())
    done = stage.process(job(number=2))
    assert done.output is done.frame.pixels


def test_it_keeps_the_contract_of_stages() -> None:
    detector = FakeDetector()
    detector.heads = [box(90, 90)]
    faces = face(box(20, 20), 0, selected=False), face(box(150, 150), 1)
    assert_stage_contract(
        Strict(detector, STRICT),
        lambda: [job(*faces, number=n, scene=n // 3) for n in range(5)],
    )


def test_a_crowd_of_heads_is_told_apart() -> None:
    memory = HeadMemory()
    memory.update([box(0, 0), box(100, 0), box(0, 100)], 0.0)
    memory.update([box(4, 0), box(104, 0)], 0.04)
    places = sorted(tuple(at[:2].round()) for at, _ in memory.places(0.04))
    assert places == [(0, 100), (4, 0), (104, 0)]
    assert len(memory.places(1.02)) == 3
    memory.update([], 1.02)
    assert len(memory.places(1.02)) == 2


def test_what_covers() -> None:
    assert covers(box(0, 0), box(2, 3))
    assert covers(box(0, 0), box(10, 10, 8))
    assert not covers(box(0, 0), box(30, 0))
    assert not covers(box(0, 0, 20), box(0, 0, 60))


def test_a_memory_of_a_second_is_the_same_whenever_it_began() -> None:
    """So segments of a film hide the same as the whole film."""
    rng = np.random.default_rng(4)
    early, late = HeadMemory(), HeadMemory()
    for number in range(100):
        heads = [
            (rng.normal(0, 4, 4) + place).astype(np.float32)
            for place in ([50, 50, 90, 90], [55, 45, 99, 92], [200 + number, 60, 260 + number, 120])
            if rng.random() < 0.6
        ]
        now_s = number / 25
        early.update(heads, now_s)
        if number >= 40:
            late.update(heads, now_s)
        if number >= 66:
            one, other = early.places(now_s), late.places(now_s)
            assert len(one) == len(other) >= 2
            for (box, wide), (box_too, wide_too) in zip(one, other, strict=True):
                np.testing.assert_array_equal(box, box_too)
                np.testing.assert_array_equal(wide, wide_too)
