"""Keeps the target's own mouth in a swapped face: speech and teeth stay those of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.mesh import OUTER_LIPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["mouth_mask"]

# fmt: off
_LOWER_FACE = np.array([
    58, 192, 205, 203, 167, 164, 393, 423, 425, 416,
    288, 397, 379, 400, 377, 152, 148, 176, 150, 172])
"""For each vertex of OUTER_LIPS the one that it moves to as the mask grows: cheeks, jaw, chin."""
# fmt: on
_LEAST_GROWTH = 0.12
"""How far beyond the lips' outline even the smallest mask reaches, as a share of the mouth: the
lips' own edge belongs to it."""
_SOFT = 0.05
"""Sigma of the mask's edge as a share of the mask's height."""
_MOST_CELLS = 128


def mouth_mask(
    landmarks: NDArray[np.floating], matrix: NDArray[np.float64], size: int, share: float
) -> NDArray[np.uint8]:
    """Where the target's mouth stays.

    Args:
        landmarks: (468 or more, 2 or 3), the face mesh in frame pixels.
        matrix: float64 (2, 3), frame to crop.
        size: side of the crop.
        share: 0..1: just above 0 the lips alone, 1 the whole lower face.

    Returns:
        uint8 (size, size), 255 keeps the target's pixels, with a soft edge; all 0 for a ``share``
        of 0.
    """
    if share <= 0:
        return np.zeros((size, size), np.uint8)
    cells = min(size, _MOST_CELLS)
    points = apply_affine(matrix, landmarks[:468, :2]) * (cells / size)
    lips = points[OUTER_LIPS]
    middle = lips.mean(axis=0)
    lips = middle + (1 + _LEAST_GROWTH) * (lips - middle)
    outline = lips + share * (points[_LOWER_FACE] - lips)
    drawn = np.zeros((cells, cells), np.uint8)
    corners = np.clip(outline, -4 * cells, 5 * cells)
    cv2.fillPoly(drawn, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    sigma = max(_SOFT * float(np.ptp(outline[:, 1])), 0.8)
    soft = cv2.GaussianBlur(drawn, (0, 0), sigma)
    if cells == size:
        return np.asarray(soft, np.uint8)
    return np.asarray(cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
