from __future__ import annotations

import donor_photos
import numpy as np
import pytest

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.stages import swap as swap_stage
from masquerade.stages.identity import Identity
from masquerade.stages.overlay import blend
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


def _donors(**names: str) -> dict[str, Identity]:
    return {name: donor_photos.donor(whose) for name, whose in names.items()}


def test_another_donor_is_drawn_from_the_next_frame_on() -> None:
    stage = _stage()
    stage.process(_job(_face(0), _face(1, "hopper")))
    stage.configure(_donors(astronaut="mona", hopper="hopper"), Settings())
    changed = stage.process(_job(_face(0), _face(1, "hopper"))).patches
    fresh = Swap(_donors(astronaut="mona"), Settings()).process(_job(_face(0))).patches[0]
    assert np.array_equal(changed[0].pixels, fresh.pixels)
    assert not np.array_equal(changed[1].pixels, fresh.pixels)


def test_what_is_known_of_another_donors_track_is_kept() -> None:
    stage, unchanged = _stage(), _stage()
    for _ in range(3):
        stage.process(_job(_face(0), _face(1, "hopper")))
        unchanged.process(_job(_face(0), _face(1, "hopper")))
    before = stage._renderers[1]
    new = _donors(astronaut="mona", hopper="hopper")
    stage.configure(new, Settings(), Swap.prepare({"astronaut": new["astronaut"]}))
    assert stage._renderers == {1: before}
    alone = stage.process(_job(_face(1, "hopper"))).patches[0]
    same = unchanged.process(_job(_face(1, "hopper"))).patches[0]
    error = np.abs(alone.pixels.astype(int) - same.pixels)
    assert error.mean() < 0.5


def test_a_prepared_donor_is_not_worked_out_again(monkeypatch) -> None:
    made = []
    real = swap_stage.Donor
    monkeypatch.setattr(swap_stage, "Donor", lambda who: made.append(who) or real(who))
    stage = _stage()
    stage.process(_job(_face(0)))
    new = _donors(new="mona")
    prepared = Swap.prepare(new)
    assert len(made) == 2
    stage.configure(new, Settings(), prepared)
    stage.process(_job(_face(0, "new")))
    assert len(made) == 2


def test_a_name_that_is_gone_is_never_drawn() -> None:
    stage = _stage()
    stage.process(_job(_face(0)))
    stage.configure(_donors(new="mona"), Settings())
    with pytest.raises(KeyError):
        stage.process(_job(_face(0)))


def test_other_settings_keep_the_track_and_show_at_once() -> None:
    stage = _stage()
    donors = _donors(astronaut="astronaut", hopper="hopper")
    for _ in range(3):
        stage.process(_job(_face(0)))
    renderer = stage._renderers[0]
    for settings in (Settings(shape=0), Settings(relight=0), Settings(strength=0.3)):
        stage.configure(donors, settings)
        changed = stage.process(_job(_face(0))).patches[0]
        fresh = Swap(donors, settings).process(_job(_face(0))).patches[0]
        assert stage._renderers[0] is renderer
        assert changed.box == fresh.box
        assert np.abs(changed.pixels.astype(int) - fresh.pixels).mean() < 2


def test_the_order_of_the_faces_does_not_matter() -> None:
    def patches(*faces: Face) -> dict[int, np.ndarray]:
        return {p.track_id: p.pixels for p in _stage().process(_job(*faces)).patches}

    away = donor_photos.face("hopper").points + np.array([4000, 0, 0], np.float32)
    there, gone = _face(0), _face(1, "hopper", landmarks=away)
    one, other = patches(there, gone), patches(gone, there)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[track], other[track]) for track in one)


@pytest.mark.parametrize("share", [0.75, 0.5])
def test_at_less_resolution_nothing_else_of_the_frame_changes(share: float) -> None:
    frame = donor_photos.face("hopper").pixels
    stage, full = _stage(), _stage()
    stage.resolution = share
    patch = stage.process(_job(_face(0))).patches[0]
    sharp = full.process(_job(_face(0))).patches[0]
    shown, expected = frame.copy(), frame.copy()
    blend(shown, patch)
    blend(expected, sharp)
    untouched = np.ones(frame.shape[:2], bool)
    x0, y0, x1, y1 = patch.box
    untouched[y0:y1, x0:x1] = patch.mask == 0
    assert np.array_equal(shown[untouched], frame[untouched])
    assert untouched.mean() > 0.3
    x0, y0, x1, y1 = _face(0).bbox.astype(int)
    inside = (slice(y0, y1), slice(x0, x1))
    error = np.abs(shown[inside].astype(int) - expected[inside]).mean()
    real = np.abs(frame[inside].astype(int) - expected[inside]).mean()
    assert error < 0.3 * real


def test_the_resolution_may_change_in_mid_stream() -> None:
    stage = _stage()
    for resolution in (1.0, 0.5, 0.75, 1.0):
        stage.resolution = resolution
        patch = stage.process(_job(_face(0))).patches[0]
        renderer = stage._renderers[0]
    assert stage._renderers == {0: renderer}
    fresh = _stage().process(_job(_face(0))).patches[0]
    assert patch.box == fresh.box
    assert np.abs(patch.pixels.astype(int) - fresh.pixels).mean() < 2


def test_at_the_frames_edge_less_resolution_works_too() -> None:
    stage = _stage()
    stage.resolution = 0.5
    frame = donor_photos.face("hopper").pixels
    for shift in ((-150, 0), (0, -200), (330, 0), (0, 400), (4000, 0)):
        points = donor_photos.face("hopper").points + np.array([*shift, 0], np.float32)
        for patch in stage.process(_job(_face(0, landmarks=points))).patches:
            x0, y0, x1, y1 = patch.box
            assert 0 <= x0 < x1 <= frame.shape[1] and 0 <= y0 < y1 <= frame.shape[0]
            assert patch.pixels.shape == (y1 - y0, x1 - x0, 3)
