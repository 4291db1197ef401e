"""Masks that limit a network's face within its crop, drawn without a network.

A mask is uint8 (S, S) in the crop: 255 takes the swapped pixels, 0 the target's. Several are
combined by their minimum.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.affine import apply_affine

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["box_mask", "combine", "mesh_mask", "models_mask", "warp_mask"]

_BLUR_OF_SIDE = 0.5
_SIGMA_OF_BLUR = 0.25
_RIM_OF_FACE = 0.05
"""Width of the mesh mask's soft rim as a share of the face's width; it lies within the outline."""
_LEAST_SHARE = 0.05
"""Of a crop; a whole face takes a third and more of it."""
_MOST_CELLS = 128
"""Side at which soft masks are drawn: they hold nothing finer and are enlarged."""


@lru_cache(maxsize=32)
def box_mask(size: int, blur: float, padding: float) -> NDArray[np.uint8]:
    """The crop's square with a soft edge.

    Args:
        size: side of the crop.
        blur: 0..1, softness of the edge.
        padding: 0..0.5, how far it stays inside the crop, as a share of the side.

    Returns:
        uint8 (size, size), read-only. The same array for the same arguments.

    Source: FaceFusion's box mask: a border of half the blur or the padding, whichever is more, and
    a Gaussian of a quarter of the blur, where the blur is half the side times ``blur``.
    """
    blur_px = int(size * _BLUR_OF_SIDE * blur)
    border = min(max(blur_px // 2, round(size * padding), 1), size // 2)
    mask = np.zeros((size, size), np.uint8)
    mask[border : size - border, border : size - border] = 255
    if blur_px:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), _SIGMA_OF_BLUR * blur_px), np.uint8)
    mask.setflags(write=False)
    return mask


def mesh_mask(
    landmarks: NDArray[np.floating], matrix: NDArray[np.float64], size: int
) -> NDArray[np.uint8]:
    """The face's own outline, soft inwards.

    Args:
        landmarks: (468 or more, 2 or 3), the face mesh in frame pixels.
        matrix: float64 (2, 3), frame to crop.
        size: side of the crop.

    Returns:
        uint8 (size, size).
    """
    cells = min(size, _MOST_CELLS)
    points = apply_affine(matrix, landmarks[:468, :2]) * (cells / size)
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    width = max(float(np.ptp(hull[:, 0])), 1.0)
    rim = max(_RIM_OF_FACE * width, 1.0)
    # Drawn with room around it: a face that reaches out of the crop has no rim at the crop's edge.
    room = int(np.ceil(2 * rim)) + 1
    drawn = np.zeros((cells + 2 * room, cells + 2 * room), np.uint8)
    limit = 4 * drawn.shape[0]
    corners = np.clip(hull + room, -limit, limit)
    cv2.fillConvexPoly(drawn, np.round(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    reach = 2 * round(rim) + 1
    drawn = np.asarray(cv2.erode(drawn, _disc(reach)), np.uint8)
    soft = cv2.GaussianBlur(drawn, (0, 0), rim / 2)[room : room + cells, room : room + cells]
    return _enlarged(np.asarray(soft, np.uint8), size)


def models_mask(mask: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """What a swapper itself says of where it has drawn the face.

    Args:
        mask: float32 (S, S), 0..1, as the network gave it.

    Returns:
        uint8 (S, S); None where it leaves next to nothing of the face. That is no mask but a
        failure, and to believe it would show the real face.
    """
    if not float((mask > 0.5).mean()) >= _LEAST_SHARE:
        return None
    return np.asarray(np.rint(mask * 255), np.uint8)


def warp_mask(mask: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """A mask of one crop in another.

    Args:
        mask: uint8 (S, S).
        matrix: float64 (2, 3), from its crop to the other one.
        size: side of the other one.

    Returns:
        uint8 (size, size), 0 outside the first crop.
    """
    return np.asarray(cv2.warpAffine(mask, matrix, (size, size)), np.uint8)


def combine(first: NDArray[np.uint8], *others: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """The minimum of masks; those that are None limit nothing."""
    for other in others:
        if other is not None:
            first = np.asarray(cv2.min(first, other), np.uint8)
    return first


def _enlarged(mask: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    if len(mask) == size:
        return np.ascontiguousarray(mask)
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


@lru_cache(maxsize=64)
def _disc(side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
