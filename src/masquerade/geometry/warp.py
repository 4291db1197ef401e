"""Pictures through affine maps, in four channels: OpenCV takes half the time of three for those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.affine import apply_affine

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["warp_picture", "warp_with_mask"]

_FEW_PIXELS = 128 * 128
"""Of a result; below, one channel more is not worth its while."""
_REACH_PX = 2
"""How far a bilinear sample and rounding reach beyond the outline."""


def warp_picture(
    pixels_bgr: NDArray[np.uint8], matrix: NDArray[np.float64], size_wh: tuple[int, int], mode: int
) -> NDArray[np.uint8]:
    """A picture through an affine map, bilinear.

    Only what lies beneath the result is read. Against ``cv2.warpAffine`` of the whole picture a
    few values in 10,000 differ, by 1, since coordinates that begin elsewhere are rounded otherwise.

    Args:
        pixels_bgr: uint8 (H, W, 3).
        matrix: float64 (2, 3), from the picture to the result.
        size_wh: width and height of the result.
        mode: OpenCV's border mode.

    Returns:
        uint8 (height, width, 3).
    """
    box = None
    if size_wh[0] * size_wh[1] >= _FEW_PIXELS:
        box = _beneath(matrix, size_wh, pixels_bgr.shape)
    if box is None:
        return np.asarray(cv2.warpAffine(pixels_bgr, matrix, size_wh, borderMode=mode), np.uint8)
    x0, y0, x1, y1 = box
    part = cv2.cvtColor(pixels_bgr[y0:y1, x0:x1], cv2.COLOR_BGR2BGRA)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (x0, y0)
    warped = cv2.warpAffine(part, moved, size_wh, borderMode=mode)
    return np.asarray(cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), np.uint8)


def warp_with_mask(
    pixels_bgr: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    size_wh: tuple[int, int],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture and its mask through one affine map, bilinear.

    Args:
        pixels_bgr: uint8 (H, W, 3); its edge reaches on outside.
        mask: uint8 (H, W); outside it is 0.
        matrix: float64 (2, 3), from the result to the picture.
        size_wh: width and height of the result.

    Returns:
        uint8 (height, width, 3) and (height, width).
    """
    joined = cv2.merge([*cv2.split(pixels_bgr), mask])
    # The edge reaches on in all channels alike, so the mask's must end in the picture.
    joined = cv2.copyMakeBorder(joined, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    joined[[0, -1], :, 3] = joined[:, [0, -1], 3] = 0
    moved = matrix.copy()
    moved[:, 2] += 1
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(joined, moved, size_wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    pixels = np.asarray(cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), np.uint8)
    return pixels, np.asarray(cv2.extractChannel(warped, 3), np.uint8)


def _beneath(
    matrix: NDArray[np.float64], size_wh: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int] | None:
    """The picture's pixels (x0, y0, x1, y1), half open, that a result is read from; None where
    there are none.
    """
    width, height = size_wh[0] - 1, size_wh[1] - 1
    rim = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    outline = apply_affine(np.asarray(cv2.invertAffineTransform(matrix), np.float64), rim)
    if not np.isfinite(outline).all():
        return None
    low = np.clip(np.floor(outline.min(axis=0)) - _REACH_PX, 0, (shape[1], shape[0]))
    high = np.clip(np.ceil(outline.max(axis=0)) + _REACH_PX + 1, 0, (shape[1], shape[0]))
    (x0, y0), (x1, y1) = low.astype(int).tolist(), high.astype(int).tolist()
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
