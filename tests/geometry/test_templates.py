"""Alignment by five points: what the public networks' own tools do, and what must always hold."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.templates import TEMPLATES, align, kps_from_landmarks, warp_crop
from masquerade.models.canonical import CANONICAL

turns = st.floats(-3.1, 3.1)
scales = st.floats(0.05, 20)
shifts = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000))
names = st.sampled_from(sorted(TEMPLATES))


def _moved(points: np.ndarray, turn: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return points @ rotation.T * scale + shift


@given(names, turns, scales, shifts, st.integers(64, 1024))
def test_a_template_that_was_moved_is_found_exactly(name, turn, scale, shift, size):
    kps = _moved(TEMPLATES[name] * size, turn, scale, shift)
    np.testing.assert_allclose(
        apply_affine(align(kps, name, size), kps), TEMPLATES[name] * size, atol=1e-5
    )


@given(names, turns, scales, shifts)
def test_the_size_only_scales_the_map(name, turn, scale, shift):
    kps = _moved(TEMPLATES[name] * 128 + np.arange(10).reshape(5, 2) % 3, turn, scale, shift)
    small, large = align(kps, name, 128), align(kps, name, 512)
    np.testing.assert_allclose(small * 4, large, rtol=1e-9, atol=1e-9)


@given(st.floats(0.8, 1.25), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_scale_and_shift_move_the_square_and_not_the_face(scale, dx, dy):
    kps = TEMPLATES["ffhq_512"] * 300 + 40
    plain = align(kps, "ffhq_512", 256)
    moved = align(kps, "ffhq_512", 256, scale=scale, shift_xy=(dx, dy))
    middle = np.full((1, 2), 127.5)
    where = apply_affine(cv2.invertAffineTransform(moved), middle)
    expected = apply_affine(
        cv2.invertAffineTransform(plain), middle + np.array([dx, dy]) * 256 * scale
    )
    np.testing.assert_allclose(where, expected, atol=1e-6)
    side = np.hypot(*plain[:, 0]) / np.hypot(*moved[:, 0])
    assert side == pytest.approx(scale)


def test_insightface_estimates_the_same_map():
    face_align = pytest.importorskip("insightface.utils.face_align", reason="a dev dependency")
    random = np.random.default_rng(3)
    picture = random.integers(0, 256, (400, 500, 3), np.uint8)
    for size, name in ((112, "arcface_112_v2"), (128, "arcface_128"), (256, "arcface_128")):
        for _ in range(20):
            kps = _moved(
                TEMPLATES[name] * size, random.uniform(-1, 1), random.uniform(0.4, 1.8), (60, 90)
            ) + random.normal(0, 3, (5, 2))
            kps = kps.astype(np.float32)
            crop, expected = face_align.norm_crop2(picture, kps, size)
            ours = align(kps, name, size)
            # Its template is float32, so that its own rounding is 4e-6 pixels at 128.
            np.testing.assert_allclose(ours[:, :2], expected[:, :2], atol=1e-6)
            np.testing.assert_allclose(ours[:, 2], expected[:, 2], atol=1e-6 * size)
            difference = cv2.absdiff(warp_crop(picture, ours, size), crop)
            # Sampled directly only above half size; below, ours is filtered.
            if np.hypot(*ours[:, 0]) > 0.5:
                assert (difference > 1).mean() < 1e-3


def test_the_arcface_templates_are_the_contracts_numbers():
    assert TEMPLATES["arcface_112_v2"][0] == pytest.approx((0.34191607, 0.46157411), abs=1e-7)
    assert TEMPLATES["arcface_128"][3] == pytest.approx((0.38710391, 0.72160547), abs=1e-7)


def test_five_points_of_the_mean_face_lie_as_in_the_template():
    mesh = CANONICAL.pos[:, :2] * (20, -20)
    kps = kps_from_landmarks(mesh)
    placed = apply_affine(align(kps, "arcface_112_v2", 112), kps)
    assert np.abs(placed - TEMPLATES["arcface_112_v2"] * 112).max() < 3.5


def test_five_points_do_not_follow_the_irises():
    points = np.random.default_rng(0).normal(size=(478, 3)).astype(np.float32)
    looked = points.copy()
    looked[468:] += 5
    first, second = kps_from_landmarks(points), kps_from_landmarks(looked)
    np.testing.assert_array_equal(first, second)
    assert first.shape == (5, 2)
    assert first.dtype == np.float32


def test_a_fine_pattern_shrinks_to_grey_instead_of_aliasing():
    picture = np.zeros((1200, 1200, 3), np.uint8)
    picture[::2] = 255
    matrix = np.array([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]])
    crop = warp_crop(picture, matrix, 120)[4:-4, 4:-4]
    assert np.abs(crop.astype(float) - 127.5).max() < 3


def test_what_is_halved_first_stays_in_its_place():
    picture = np.full((900, 900, 3), 30, np.uint8)
    cv2.circle(picture, (450, 300), 100, (250, 200, 100), -1, cv2.LINE_AA)
    matrix = align(_moved(TEMPLATES["ffhq_512"] * 512, 0.3, 1.4, (120, -40)), "ffhq_512", 128)
    blurred = cv2.GaussianBlur(picture, (0, 0), 2.6)
    direct = cv2.warpAffine(blurred, matrix, (128, 128)).astype(float)
    assert np.abs(warp_crop(picture, matrix, 128).astype(float) - direct).mean() < 1.5


@pytest.mark.parametrize(("border", "expected"), [("black", 0), ("edge", 200)])
@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_outside_the_frame(border, expected, scale):
    picture = np.full((300, 300, 3), 200, np.uint8)
    matrix = np.array([[scale, 0.0, 60.0], [0.0, scale, 60.0]])
    crop = warp_crop(picture, matrix, 128, border)
    assert (crop[:50, :50] == expected).all()
    assert (crop[70:110, 70:110] == 200).all()
