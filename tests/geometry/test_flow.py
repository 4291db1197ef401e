from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.flow import FaceFlow
from masquerade.geometry.roi import Roi

_FACE = Roi(222.0, 112.0, 130.0, 0.0)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)


def inside(roi: Roi, share: float = 0.8) -> np.ndarray:
    """A grid of points in the middle of a window."""
    line = np.linspace(-0.5, 0.5, 9) * share * roi.size_px
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return grid + np.array([roi.cx, roi.cy])


def moved(photo: np.ndarray, matrix: np.ndarray, scale: float = 1.0) -> np.ndarray:
    height, width = photo.shape[:2]
    size = (round(width * scale), round(height * scale))
    return cv2.warpAffine(photo, matrix, size, flags=cv2.INTER_CUBIC)


def motion(roi: Roi, turn_deg: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((roi.cx, roi.cy), turn_deg, scale)
    matrix[:, 2] += shift
    return matrix


@pytest.mark.parametrize(
    ("turn_deg", "scale", "shift"),
    [
        (0, 1, (0.4, -0.3)),
        (0, 1, (3.2, 1.7)),
        (2, 1, (1, 1)),
        (0, 1.02, (-1, 0)),
        (-3, 0.98, (2, 0)),
    ],
)
def test_points_go_where_the_picture_went(
    photo: np.ndarray, turn_deg: float, scale: float, shift: tuple[float, float]
) -> None:
    truth = motion(_FACE, turn_deg, scale, shift)
    flow = FaceFlow()
    points = inside(_FACE)
    carried = flow.carry(flow.view(photo, _FACE), flow.view(moved(photo, truth), _FACE), points)
    error = np.linalg.norm(carried - apply_affine(truth, points), axis=1)
    assert np.median(error) < 0.15
    assert np.mean(error) < 0.4


def test_a_window_that_follows_finds_a_motion_larger_than_itself(photo: np.ndarray) -> None:
    truth = motion(_FACE, 0, 1, (150.3, 60.6))
    ahead = Roi(_FACE.cx + 149, _FACE.cy + 61, _FACE.size_px, 0.05)
    flow, points = FaceFlow(), inside(_FACE)
    carried = flow.carry(flow.view(photo, _FACE), flow.view(moved(photo, truth), ahead), points)
    error = np.linalg.norm(carried - apply_affine(truth, points), axis=1)
    assert np.median(error) < 0.25


@pytest.mark.parametrize("scale", [0.4, 1.0, 5.0])
def test_accuracy_follows_the_size_of_the_face(photo: np.ndarray, scale: float) -> None:
    large = cv2.resize(photo[:260, 80:400], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    roi = Roi((_FACE.cx - 80) * scale, _FACE.cy * scale, _FACE.size_px * scale, 0.0)
    truth = motion(roi, 1, 1.01, (0.013 * roi.size_px, -0.008 * roi.size_px))
    flow, points = FaceFlow(), inside(roi)
    carried = flow.carry(flow.view(large, roi), flow.view(moved(large, truth), roi), points)
    error = np.linalg.norm(carried - apply_affine(truth, points), axis=1)
    assert np.median(error) < 0.003 * roi.size_px


def test_what_stands_still_stays(photo: np.ndarray) -> None:
    flow, points = FaceFlow(), inside(_FACE)
    view = flow.view(photo, _FACE)
    np.testing.assert_allclose(flow.carry(view, view, points), points, atol=1e-2)


def test_points_and_windows_outside_the_frame_are_carried_too(photo: np.ndarray) -> None:
    roi = Roi(5.0, 5.0, 200.0, 0.0)
    flow, points = FaceFlow(), inside(roi, 1.5)
    carried = flow.carry(flow.view(photo, roi), flow.view(photo, roi), points)
    np.testing.assert_allclose(carried, points, atol=1e-2)


def test_a_view_is_small_whatever_the_face(photo: np.ndarray) -> None:
    flow = FaceFlow(96)
    for size in (20.0, 96.0, 500.0, 3000.0):
        assert flow.view(photo, Roi(200.0, 200.0, size, 0.0)).grey.shape == (96, 96)


def test_likeness_tells_a_followed_face_from_a_covered_one(photo: np.ndarray) -> None:
    truth = motion(_FACE, 1, 1, (2.0, 1.0))
    flow, points = FaceFlow(), inside(_FACE)
    before, after = flow.view(photo, _FACE), flow.view(moved(photo, truth), _FACE)
    assert flow.likeness(before, after, points, flow.carry(before, after, points)) > 0.95
    covered = flow.view(photo[::-1].copy(), _FACE)
    assert flow.likeness(before, covered, points, flow.carry(before, covered, points)) < 0.6
    blank = flow.view(np.zeros_like(photo), _FACE)
    assert flow.likeness(before, blank, points, points) == 0.0
