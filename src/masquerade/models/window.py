"""The pixels of a face's window, as the networks take them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.sampling import reduce_part
from masquerade.geometry.warp import warp_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.geometry.roi import Roi

__all__ = ["cut_window"]


def cut_window(pixels_bgr: NDArray[np.uint8], roi: Roi, crop: NDArray[np.uint8]) -> None:
    """Write the window, scaled to the crop's side, into the crop; outside the frame it is black.

    A window of twice the crop's side and more is halved by area first. Sampled directly it would
    alias, and the landmarks of a 500 px face would tremble by a third more (0.20 against 0.13 %
    of the eye distance under noise) for 0.2 ms saved.

    Args:
        pixels_bgr: uint8 (H, W, 3).
        roi: the window.
        crop: uint8 (S, S, 3), written.
    """
    side = crop.shape[0]
    matrix = roi.matrix(side)
    halvings = int(math.log2(max(roi.size_px / side, 1.0)))
    if halvings:
        pixels_bgr, matrix = _halved(pixels_bgr, roi, matrix, halvings)
    crop[:] = warp_picture(pixels_bgr, matrix, (side, side), cv2.BORDER_CONSTANT)


def _halved(
    pixels_bgr: NDArray[np.uint8], roi: Roi, matrix: NDArray[np.float64], halvings: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the frame under the window, smaller, and the map from it to the crop."""
    factor = 2**halvings
    reach = roi.size_px / 2 * (abs(math.cos(roi.angle_rad)) + abs(math.sin(roi.angle_rad))) + factor
    height, width = pixels_bgr.shape[:2]
    x0, x1 = (int(np.clip(edge, 0, width)) for edge in (roi.cx - reach, roi.cx + reach))
    y0, y1 = (int(np.clip(edge, 0, height)) for edge in (roi.cy - reach, roi.cy + reach))
    return reduce_part(pixels_bgr, (x0, y0, x1, y1), matrix, factor)
