from __future__ import annotations

import donor_photos
import numpy as np

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.stages.identity import Identity
from masquerade.stages.swap import Swap


def _job(*faces: Face, scene: int = 0) -> FrameJob:
    return FrameJob(Frame(donor_photos.face("hopper").pixels), list(faces), scene=scene)


def _face(number: int = 0, donor: str | None = "astronaut", **changes) -> Face:
    points = donor_photos.face("hopper").points
    box = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])
    face = Face(box, 0.9, landmarks=points, track_id=number, selected=True, donor=donor)
    for name, value in changes.items():
        setattr(face, name, value)
    return face


def _stage() -> Swap:
    donors: dict[str, Identity] = {
        name: donor_photos.donor(name) for name in ("astronaut", "hopper")
    }
    return Swap(donors, Settings())


def test_each_selected_face_gets_one_patch_of_its_donor() -> None:
    job = _stage().process(_job(_face(0), _face(1, "hopper"), _face(2, selected=False)))
    assert [patch.track_id for patch in job.patches] == [0, 1]
    assert not np.array_equal(job.patches[0].pixels, job.patches[1].pixels)


def test_a_lost_face_is_reported_and_not_drawn() -> None:
    job = _stage().process(_job(_face(5, state="lost"), _face(6, landmarks=None)))
    assert job.patches == []
    assert [(failure.stage, failure.track_id) for failure in job.failures] == [
        ("swap", 5),
        ("swap", 6),
    ]


def test_without_a_name_the_first_donor_is_drawn() -> None:
    named, unnamed = (_stage().process(_job(_face(0, name))) for name in ("astronaut", None))
    assert np.array_equal(named.patches[0].pixels, unnamed.patches[0].pixels)


def test_a_face_may_change_its_donor_between_frames() -> None:
    stage = _stage()
    first = stage.process(_job(_face(0, "astronaut"))).patches[0]
    second = stage.process(_job(_face(0, "hopper"))).patches[0]
    fresh = _stage().process(_job(_face(0, "hopper"))).patches[0]
    assert not np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(second.pixels, fresh.pixels)


def test_a_new_scene_starts_afresh() -> None:
    stage = _stage()
    first = stage.process(_job(_face())).patches[0]
    for _ in range(3):
        stage.process(_job(_face()))
    again = stage.process(_job(_face(), scene=1)).patches[0]
    assert np.array_equal(first.pixels, again.pixels)


def test_a_neighbours_surroundings_never_bring_a_real_face_back() -> None:
    points = donor_photos.face("hopper").points
    frame = donor_photos.face("hopper").pixels
    beside = _face(1, landmarks=points + np.array([90, 0, 0], np.float32))
    beside.bbox = beside.bbox + np.array([90, 0, 90, 0], np.float32)
    job = _stage().process(_job(_face(0), beside))
    first, second = job.patches
    x0, y0, x1, y1 = first.box
    swapped = frame.copy()
    swapped[y0:y1, x0:x1][first.mask > 0] = first.pixels[first.mask > 0]
    # Where the second face leaves its surroundings nearly in place, they are the first's swap.
    u0, v0, _, v1 = second.box
    rim = (slice(v0, v1), slice(u0, u0 + 12))
    drawn = second.mask[:, :12] > 0
    error = np.abs(second.pixels[:, :12].astype(int) - swapped[rim])[drawn].mean()
    real = np.abs(second.pixels[:, :12].astype(int) - frame[rim])[drawn].mean()
    assert drawn.any() and error < real


def test_in_a_crowd_the_faces_are_the_same_but_for_a_trifle() -> None:
    alone = _stage().process(_job(_face(0))).patches[0]
    shifts = [np.array([dx, 0, 0], np.float32) for dx in (0, 4000, 8000)]
    points = donor_photos.face("hopper").points
    crowd = [_face(k, landmarks=points + shift) for k, shift in enumerate(shifts)]
    among = _stage().process(_job(*crowd)).patches[0]
    assert among.box == alone.box
    error = np.abs(among.pixels.astype(int) - alone.pixels)
    assert 0 < error.mean() < 2
