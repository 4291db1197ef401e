from __future__ import annotations

import cv2
import numpy as np
import pytest

from masquerade.geometry.roi import Roi
from masquerade.models.window import cut_window


def smooth_picture(height: int = 900, width: int = 1200) -> np.ndarray:
    """Slow waves, which every correct way of scaling shows alike."""
    y, x = np.mgrid[:height, :width] / 90.0
    waves = [np.sin(x + phase) * np.cos(y * 0.8 - phase) for phase in (0.0, 1.0, 2.0)]
    return (127 + 110 * np.dstack(waves)).astype(np.uint8)


@pytest.mark.parametrize("size", [100.0, 300.0, 600.0, 1100.0, 2300.0])
@pytest.mark.parametrize("angle", [0.0, 0.7, -2.5])
def test_all_sizes_are_cut_at_the_same_place(size: float, angle: float) -> None:
    picture = smooth_picture()
    roi = Roi(610.3, 420.8, size, angle)
    crop = np.empty((256, 256, 3), np.uint8)
    cut_window(picture, roi, crop)
    direct = cv2.warpAffine(picture, roi.matrix(256), (256, 256))
    # Compared away from the frame's edge, where black mixes in differently.
    inside = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), roi.matrix(256), (256, 256))
    inside = cv2.erode(inside, np.ones((5, 5))) == 255
    assert np.abs(crop.astype(int) - direct)[inside].mean() < 1.0
    assert np.abs(crop.astype(int) - direct)[inside].max() <= 6


def test_large_windows_do_not_alias() -> None:
    grain = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
    crop = np.empty((256, 256, 3), np.uint8)
    cut_window(grain, Roi(511.5, 511.5, 1024.0), crop)
    assert crop.std() < 0.35 * grain.std()


@pytest.mark.parametrize("centre", [(-900.0, 50.0), (5000.0, 5000.0)])
def test_windows_outside_the_frame_are_black(centre: tuple[float, float]) -> None:
    crop = np.full((256, 256, 3), 9, np.uint8)
    cut_window(np.full((300, 400, 3), 200, np.uint8), Roi(*centre, 700.0), crop)
    assert not crop.any()


def test_a_window_at_the_corner_shows_what_is_there() -> None:
    crop = np.empty((256, 256, 3), np.uint8)
    cut_window(np.full((2000, 2000, 3), 200, np.uint8), Roi(0.0, 0.0, 1024.0), crop)
    assert (crop[132:, 132:] == 200).all()
    assert not crop[:124].any()
