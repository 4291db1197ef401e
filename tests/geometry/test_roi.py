from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.geometry.roi import Roi

rois = st.builds(
    Roi,
    st.floats(-500, 4000),
    st.floats(-500, 4000),
    st.floats(8, 3000),
    st.floats(-math.pi, math.pi),
)
sizes = st.integers(16, 512)


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(rois, sizes)
def test_there_and_back(roi: Roi, out_px: int) -> None:
    points = np.array([[0.0, 0.0], [out_px, 3.0], [7.0, out_px]])
    back = apply(roi.matrix(out_px), apply(roi.inverse_matrix(out_px), points))
    np.testing.assert_allclose(back, points, atol=1e-6)


@given(rois, sizes)
def test_the_centre_falls_on_the_middle_of_the_crop(roi: Roi, out_px: int) -> None:
    middle = apply(roi.matrix(out_px), np.array([roi.cx, roi.cy]))
    np.testing.assert_allclose(middle, (out_px - 1) / 2, atol=1e-6)


@given(rois, sizes)
def test_the_side_is_the_whole_crop(roi: Roi, out_px: int) -> None:
    along = np.array([math.cos(roi.angle_rad), math.sin(roi.angle_rad)]) * roi.size_px / 2
    centre = np.array([roi.cx, roi.cy])
    ends = apply(roi.matrix(out_px), np.array([centre - along, centre + along]))
    middle = (out_px - 1) / 2
    np.testing.assert_allclose(ends, [[-0.5, middle], [out_px - 0.5, middle]], atol=1e-6)


def test_pixels_of_a_window_of_equal_size_are_copied() -> None:
    matrix = Roi(15.5, 15.5, 32.0).matrix(32)
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2, 3.0])
def test_a_detection_is_turned_upright(angle: float) -> None:
    eye = np.array([math.cos(angle), math.sin(angle)]) * 10
    kps = np.zeros((5, 2), np.float32)
    kps[0], kps[1] = 50 - eye, 50 + eye
    roi = Roi.from_detection(np.array([30, 20, 70, 80], np.float32), kps)
    assert (roi.cx, roi.cy, roi.size_px) == (50, 50, 90)
    upright = apply(roi.matrix(64), kps[:2].astype(np.float64))
    assert upright[0, 1] == pytest.approx(upright[1, 1], abs=1e-4)
    assert upright[0, 0] < upright[1, 0]


@given(st.floats(-math.pi + 0.01, math.pi - 0.01), st.floats(0.2, 5.0), st.floats(-300, 300))
def test_the_window_follows_the_landmarks(angle: float, scale: float, shift: float) -> None:
    random = np.random.default_rng(3)
    still = random.uniform(0, 100, (478, 3)).astype(np.float32)
    still[33, :2], still[263, :2] = (30, 40), (70, 40)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = still.copy()
    moved[:, :2] = still[:, :2] @ turn.T * scale + shift
    before, after = Roi.from_landmarks(still), Roi.from_landmarks(moved)
    assert after.angle_rad == pytest.approx(angle, abs=1e-3)
    assert after.size_px == pytest.approx(before.size_px * scale, rel=1e-3)
    centre = np.array([before.cx, before.cy]) @ turn.T * scale + shift
    np.testing.assert_allclose([after.cx, after.cy], centre, atol=0.05)
