from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.core.frame import Patch
from masquerade.stages.face_masks import box_mask
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.network_patch import to_patch
from masquerade.stages.overlay import blend
from masquerade.stages.poisson import clone


def _frame(seed: int = 0, hw: tuple[int, int] = (90, 120)) -> np.ndarray:
    small = np.random.default_rng(seed).integers(40, 216, (hw[0] // 6, hw[1] // 6, 3), np.uint8)
    return np.asarray(cv2.resize(small, hw[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def _matrix(scale: float, angle: float, at_xy: tuple[float, float], size: int) -> np.ndarray:
    """Frame to crop; the crop's middle lies at ``at_xy`` of the frame."""
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, (size - 1) / 2 - linear @ np.array(at_xy)])


def _finished(matrix: np.ndarray, size: int, mask: np.ndarray | None = None) -> FinishedFace:
    pixels = _frame(5, (size, size))
    mask = box_mask(size, 0.3, 0.0) if mask is None else mask
    return FinishedFace(pixels, pixels, mask, matrix)


def _whole_frame(finished: FinishedFace, frame: np.ndarray) -> np.ndarray:
    """What a paste over the whole frame gives, in floats: the reference."""
    size = frame.shape[1::-1]
    inverse = cv2.invertAffineTransform(finished.matrix)
    pixels = cv2.warpAffine(
        finished.pixels, inverse, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    weight = cv2.warpAffine(finished.mask, inverse, size)[..., None] / 255
    return frame + (pixels.astype(float) - frame) * weight


@given(
    st.floats(0.4, 1.4),
    st.floats(-3, 3),
    st.tuples(st.floats(-30, 150), st.floats(-30, 120)),
    st.sampled_from([32, 64]),
)
@settings(max_examples=60, deadline=None)
def test_the_patch_is_the_part_of_a_whole_frame_paste_that_shows(scale, angle, at_xy, size):
    frame, finished = _frame(), _finished(_matrix(scale, angle, at_xy, size), size)
    patch, expected = to_patch(finished, frame, 7), _whole_frame(finished, frame)
    out = frame.copy()
    if patch is None:
        assert np.abs(expected - frame).max() < 1
        return
    x0, y0, x1, y1 = patch.box
    assert 0 <= x0 < x1 <= 120
    assert 0 <= y0 < y1 <= 90
    assert patch.pixels.shape == (y1 - y0, x1 - x0, 3)
    assert patch.mask.shape == (y1 - y0, x1 - x0)
    assert patch.track_id == 7
    blend(out, patch)
    # OpenCV's sampling positions are rounded to 1/32 pixel and depend on the way of asking.
    assert np.mean(np.abs(out - expected)) < 0.5
    outside = np.ones(frame.shape[:2], bool)
    outside[y0:y1, x0:x1] = patch.mask == 0
    assert np.array_equal(out[outside], frame[outside])


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("spot", [(0, 0, 6, 9), (20, 30, 12, 12), (50, 58, 14, 6)])
def test_what_a_coarse_crops_mask_hides_has_no_part_in_what_it_shows(scale, spot):
    frame, mask = _frame(hw=(240, 320)), np.zeros((64, 64), np.uint8)
    x, y, width, height = spot
    mask[y : y + height, x : x + width] = 200
    whole = np.maximum(mask, 1)  # next to nothing, but all of the crop is needed for it
    shown = []
    for each in (mask, whole):
        out = frame.copy()
        blend(out, to_patch(_finished(_matrix(scale, 0.4, (160, 120), 64), 64, each), frame, 0))
        shown.append(out)
    assert cv2.absdiff(*shown).max() <= 2
    assert cv2.absdiff(shown[0], frame).max() > 10


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_a_crop_finer_than_the_frame_is_averaged_and_not_aliased(size):
    checks = np.indices((size, size)).sum(axis=0) % 2 * 255
    pixels = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    matrix = _matrix(size / 40, 0.1, (60, 45), size)
    finished = FinishedFace(pixels, pixels, np.full((size, size), 255, np.uint8), matrix)
    patch = to_patch(finished, _frame(), 0)
    shown = patch.pixels[patch.mask == 255]
    assert np.abs(shown.astype(int) - 127).max() < 12


@pytest.mark.parametrize("size", [64, 256, 512])
def test_where_a_point_of_the_crop_lands(size):
    at_xy = (61.0, 43.0)
    matrix = _matrix(size / 48, 0.3, at_xy, size)
    yy, xx = np.mgrid[0:size, 0:size] - (size - 1) / 2
    spot = np.exp(-(xx**2 + yy**2) / (2 * (size / 16) ** 2))
    pixels = np.repeat((255 * spot)[..., None], 3, axis=2).astype(np.uint8)
    finished = FinishedFace(pixels, pixels, np.full((size, size), 255, np.uint8), matrix)
    patch = to_patch(finished, np.zeros((90, 120, 3), np.uint8), 0)
    weight = patch.pixels[..., 0].astype(float)
    rows, columns = np.indices(weight.shape)
    found = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
    assert np.abs(found + patch.box[:2] - at_xy).max() < 0.1


def test_an_empty_mask_makes_no_patch():
    matrix = _matrix(1, 0, (60, 45), 64)
    assert to_patch(_finished(matrix, 64, np.zeros((64, 64), np.uint8)), _frame(), 0) is None


@pytest.mark.parametrize("at_xy", [(-80, 45), (60, 200), (1e6, 45), (-1e9, 1e9)])
def test_a_face_outside_the_frame_makes_no_patch(at_xy):
    assert to_patch(_finished(_matrix(1, 0, at_xy, 64), 64), _frame(), 0) is None


def test_only_what_the_mask_shows_is_in_the_box():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 40:50] = 255
    patch = to_patch(_finished(_matrix(1, 0, (60.5, 45.5), 64), 64, mask), _frame(), 0)
    x0, y0, x1, y1 = patch.box
    assert x1 - x0 <= 14
    assert y1 - y0 <= 14
    assert (patch.mask == 255).sum() == 100


def test_the_frame_is_not_changed():
    frame = _frame()
    before = frame.copy()
    for mode in ("alpha", "poisson"):
        to_patch(_finished(_matrix(1, 0.2, (60, 45), 64), 64), frame, 0, mode)
    assert np.array_equal(frame, before)


def test_cloning_a_picture_onto_itself_changes_nothing():
    frame = _frame()
    box = (20, 10, 90, 80)
    part = frame[10:80, 20:90].copy()
    for mask in (np.full((70, 70), 255, np.uint8), box_mask(70, 0.5, 0.1)):
        patch = clone(Patch(1, box, part, mask), frame)
        assert np.abs(patch.pixels.astype(int) - part)[mask >= 128].max() <= 2


def test_a_cloned_face_takes_the_frames_colours_and_keeps_its_own_detail():
    frame = np.full((90, 120, 3), (60, 90, 120), np.uint8)
    detail = np.random.default_rng(1).integers(-20, 21, (48, 48, 1))
    pixels = np.clip(np.array([160, 150, 140]) + detail, 0, 255).astype(np.uint8)
    pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.0), np.uint8)
    mask = np.zeros((48, 48), np.uint8)
    mask[6:42, 6:42] = 255
    patch = clone(Patch(1, (30, 20, 78, 68), pixels, mask), frame)
    inside = mask > 0
    assert np.abs(patch.pixels[inside].mean(0) - (60, 90, 120)).max() < 6
    before, after = (item[12:36, 12:36, 0].ravel() for item in (pixels, patch.pixels))
    assert np.corrcoef(before, after)[0, 1] > 0.9


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_any_mask_can_be_cloned(seed, width, height):
    rng = np.random.default_rng(seed)
    mask = (rng.random((height, width)) < rng.random()).astype(np.uint8) * np.uint8(255)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    box = (5, 7, 5 + width, 7 + height)
    patch = clone(Patch(0, box, pixels, mask), _frame())
    assert patch.pixels.shape == pixels.shape
    assert np.array_equal(patch.mask, mask)
