from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob, Patch
from masquerade.core.settings import Settings
from masquerade.stages.composite import Composite, conceal
from masquerade.stages.overlay import blend

BOX = np.array([20, 20, 60, 70], np.float32)


def _picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)


def _face(**changes) -> Face:
    return Face(bbox=BOX.copy(), score=0.9, track_id=4, selected=True, **changes)


def _patch(value: int = 255) -> Patch:
    pixels = np.full((60, 50, 3), 77, np.uint8)
    return Patch(4, (15, 15, 65, 75), pixels, np.full((60, 50), value, np.uint8))


def _job(faces, patches=(), scene=0, seed=0) -> FrameJob:
    return FrameJob(Frame(_picture(seed)), list(faces), list(patches), scene=scene)


@given(st.integers(0, 99))
def test_a_zero_mask_changes_no_bit(seed: int) -> None:
    picture = _picture(seed)
    blend(picture, _patch(0))
    assert (picture == _picture(seed)).all()


def test_a_full_mask_takes_the_patch_and_a_half_one_the_mean() -> None:
    picture = _picture()
    blend(picture, _patch(255))
    assert (picture[15:75, 15:65] == 77).all()
    picture = np.zeros((96, 96, 3), np.uint8)
    blend(picture, _patch(128))
    assert set(np.unique(picture[15:75, 15:65])) == {39}


def test_a_frame_without_selected_faces_is_not_even_copied() -> None:
    face = _face()
    face.selected = False
    job = Composite(Settings()).process(_job([face]))
    assert job.output is job.frame.pixels


def test_the_frame_itself_is_never_written() -> None:
    job = _job([_face()], [_patch()])
    Composite(Settings()).process(job)
    assert (job.frame.pixels == _picture()).all()
    assert (job.output[15:75, 15:65] == 77).all()


@pytest.mark.parametrize("policy", ["hold", "blur", "blank"])
def test_a_selected_face_without_a_patch_is_hidden(policy: str) -> None:
    job = Composite(Settings(on_lost=policy)).process(_job([_face()]))
    inside = (slice(22, 68), slice(22, 58))
    change = np.abs(job.output[inside].astype(int) - job.frame.pixels[inside])
    assert change.mean() > 30
    # Fine structure, which tells who it is, is gone.
    assert np.abs(np.diff(job.output[inside].astype(int), axis=0)).mean() < 12


def test_hold_shows_the_last_swap_where_the_face_has_gone() -> None:
    stage = Composite(Settings(hold_s=0.12))
    stage.process(_job([_face()], [_patch()]))
    moved = _face(state="lost", lost_frames=2)
    moved.bbox += np.array([8, 4, 8, 4], np.float32)
    output = stage.process(_job([moved])).output
    assert (output[19:79, 23:73] == 77).all()


def test_a_hold_ends_in_blur() -> None:
    stage = Composite(Settings(hold_s=0.12))
    stage.process(_job([_face()], [_patch()]))
    shown = []
    for lost_frames in range(1, 6):
        output = stage.process(_job([_face(state="lost", lost_frames=lost_frames)])).output
        shown.append(bool((output[20:70, 20:60] == 77).all()))
    assert shown == [True, True, True, False, False]


def test_a_hold_is_measured_on_the_frames_own_time() -> None:
    def shown(rate: int) -> int:
        stage = Composite(Settings(hold_s=0.2))
        held = -1
        for number in range(2 * rate):
            job = _job([_face()], [_patch()] if number == 0 else [])
            job.frame.pts, job.frame.time_base = number, Fraction(1, rate)
            held += bool((stage.process(job).output[20:70, 20:60] == 77).all())
        return held

    assert {rate: shown(rate) for rate in (5, 10, 25, 60)} == {5: 1, 10: 2, 25: 5, 60: 12}


def test_pass_shows_the_real_face_and_nothing_else_does() -> None:
    stage = Composite(Settings(on_lost="pass"))
    stage.process(_job([_face()], [_patch()]))
    job = stage.process(_job([_face()]))
    assert job.output is job.frame.pixels


def test_nothing_of_another_donor_is_held() -> None:
    stage = Composite(Settings())
    stage.process(_job([_face(donor="old")], [_patch()]))
    output = stage.process(_job([_face(donor="new")])).output
    assert not (output == 77).all(2).any()


def test_what_was_forgotten_is_not_held() -> None:
    stage = Composite(Settings())
    stage.process(_job([_face()], [_patch()]))
    stage.forget()
    assert not (stage.process(_job([_face()])).output == 77).all(2).any()


def test_other_settings_hold_from_the_next_frame_on() -> None:
    stage = Composite(Settings())
    stage.process(_job([_face()], [_patch()]))
    stage.configure(Settings(on_lost="blank"))
    output = stage.process(_job([_face()])).output
    assert (output[25:65, 25:55] == 96).all()


def test_a_held_patch_at_the_border_is_cut() -> None:
    stage = Composite(Settings())
    stage.process(_job([_face()], [_patch()]))
    for shift in ([-40, -40], [60, 60], [400, 0]):
        moved = _face(state="lost", lost_frames=1)
        moved.bbox += np.array([*shift, *shift], np.float32)
        assert stage.process(_job([moved])).output.shape == (96, 96, 3)


@pytest.mark.parametrize("forget", ["scene", "reset"])
def test_nothing_is_held_over_a_cut_or_a_reset(forget: str) -> None:
    stage = Composite(Settings())
    stage.process(_job([_face()], [_patch()]))
    if forget == "reset":
        stage.reset()
    job = _job([_face(state="lost", lost_frames=1)], scene=int(forget == "scene"))
    assert not (stage.process(job).output == 77).all(2).any()


def test_concealing_outside_the_frame_does_nothing() -> None:
    picture = _picture()
    conceal(picture, np.array([300, 300, 340, 340], np.float32), blank=False)
    assert (picture == _picture()).all()


def test_soft_masks_are_exact_where_they_must_be_and_off_by_one_at_most_elsewhere() -> None:
    values = np.arange(256, dtype=np.uint8)
    below, above = (np.repeat(side[..., None], 3, axis=2) for side in np.meshgrid(values, values))
    for weight in range(256):
        picture = below.copy()
        mask = np.full((256, 256), weight, np.uint8)
        mask[0, 0] = 128  # so that every mask is a soft one
        blend(picture, Patch(0, (0, 0, 256, 256), above, mask))
        exact = below + (above.astype(float) - below) * weight / 255
        off = np.abs(picture - exact)
        off[0, 0] = 0
        assert off.max() <= (0 if weight in (0, 255) else 1.0)
        assert (picture[np.arange(256), np.arange(256), 0] == values).all(), "equal ones stay"
