"""The last stage: always a label, away from faces, in a steady corner, for its time."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.protocols import Stage
from masquerade.stages.disclose import Disclose
from masquerade.trust.badge import Badge

SIZE_WH = (320, 240)


def job(
    *boxes: tuple[float, ...], seq: int = 0, pts: int | None = None, scene: int = 0
) -> FrameJob:
    pixels = np.full((SIZE_WH[1], SIZE_WH[0], 3), 200, np.uint8)
    faces = [Face(bbox=np.array(box, np.float32), score=1.0) for box in boxes]
    frame = Frame(pixels, seq=seq, pts=pts, time_base=Fraction(1, 10))
    return FrameJob(frame, faces=faces, scene=scene)


def corner(done: FrameJob) -> str:
    """Which corner was drawn on: "bottom right" and so on, "" for none."""
    rows, columns = np.nonzero((done.output != done.frame.pixels).any(axis=2))
    if not rows.size:
        return ""
    vertical = "top" if rows.mean() < SIZE_WH[1] / 2 else "bottom"
    return f"{vertical} {'left' if columns.mean() < SIZE_WH[0] / 2 else 'right'}"


def face_at(where: str, label: Badge) -> tuple[float, ...]:
    names = ("bottom right", "bottom left", "top right", "top left")
    return tuple(float(v) for v in label.places(SIZE_WH)[names.index(where)])


@pytest.fixture
def label() -> Badge:
    return Badge("small")


def test_is_a_stage(label: Badge) -> None:
    assert isinstance(Disclose(label), Stage)


def test_draws_on_a_copy_and_leaves_the_frame(label: Badge) -> None:
    done = Disclose(label).process(job())
    assert (done.frame.pixels == 200).all()
    assert corner(done) == "bottom right"


def test_without_a_label_the_frame_is_not_even_copied() -> None:
    done = Disclose(None).process(job())
    assert done.output is done.frame.pixels


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (["bottom right"], "bottom left"),
        (["bottom right", "bottom left"], "top right"),
        (["bottom right", "bottom left", "top right"], "top left"),
    ],
)
def test_avoids_faces(label: Badge, taken: list[str], expected: str) -> None:
    boxes = [face_at(where, label) for where in taken]
    assert corner(Disclose(label).process(job(*boxes))) == expected


def test_one_face_over_every_corner_still_gets_a_label(label: Badge) -> None:
    assert corner(Disclose(label).process(job((0, 0, *SIZE_WH)))) != ""


def test_corner_is_kept_when_the_face_that_moved_it_leaves(label: Badge) -> None:
    stage = Disclose(label)
    face = face_at("bottom right", label)
    drawn = [corner(stage.process(job(*([face] if seq < 5 else []), seq=seq))) for seq in range(90)]
    assert set(drawn) == {"bottom left"}


def test_a_face_that_comes_under_the_label_moves_it_once(label: Badge) -> None:
    stage = Disclose(label)
    right, left = face_at("bottom right", label), face_at("bottom left", label)
    drawn = []
    for seq in range(60):
        boxes = [] if seq < 3 else [right] if seq % 2 else [left]
        drawn.append(corner(stage.process(job(*boxes, seq=seq))))
    changes = sum(a != b for a, b in itertools.pairwise(drawn))
    assert drawn[0] == "bottom right"
    assert 1 <= changes <= 2


def test_a_new_scene_chooses_anew(label: Badge) -> None:
    stage = Disclose(label)
    face = face_at("bottom right", label)
    assert corner(stage.process(job(face, scene=0))) == "bottom left"
    assert corner(stage.process(job(seq=1, scene=1))) == "bottom right"


def test_gb45438_is_shown_for_two_seconds_by_time_not_by_frames() -> None:
    stage = Disclose(Badge("gb45438"))
    pts = [100, 101, 110, 119, 120, 121, 200]  # tenths of a second; the file starts at 10 s
    shown = [corner(stage.process(job(seq=i, pts=p))) != "" for i, p in enumerate(pts)]
    assert shown == [True, True, True, True, False, False, False]
    stage.reset()
    assert corner(stage.process(job(pts=500))) != ""


def test_gb45438_is_always_on_a_still() -> None:
    stage = Disclose(Badge("gb45438"))
    assert all(corner(stage.process(job(seq=seq))) for seq in range(3))


def test_small_label_never_ends(label: Badge) -> None:
    stage = Disclose(label)
    assert all(corner(stage.process(job(seq=seq, pts=seq * 100))) for seq in range(5))


def test_a_frame_too_small_for_a_label_passes(label: Badge) -> None:
    tiny = FrameJob(Frame(np.zeros((2, 2, 3), np.uint8)))
    assert Disclose(label).process(tiny).output is tiny.frame.pixels


def test_another_label_is_drawn_from_the_next_frame_on(label: Badge) -> None:
    stage = Disclose(None)
    assert corner(stage.process(job())) == ""
    stage.configure(label)
    assert corner(stage.process(job(seq=1, pts=1))) == "bottom right"
    stage.configure(Badge("gb45438"))
    shown = [corner(stage.process(job(seq=seq, pts=seq))) != "" for seq in (20, 39, 40, 41)]
    assert shown == [True, True, False, False]
