"""A finished crop turned into a patch of the frame: only the pixels under the crop are touched."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from masquerade.core.frame import Patch
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.sampling import reduce
from masquerade.geometry.warp import warp_with_mask
from masquerade.stages.poisson import clone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from masquerade.stages.finished_face import FinishedFace

    _Fitted = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]

__all__ = ["to_patch"]

_SHRINK = 1.5
"""From this many crop pixels per frame pixel on, the crop is shrunk before it is warped."""
_ENLARGE = 0.75
"""Up to this many, it is enlarged before."""
_MARGIN_PX = 3
"""Of the crop around what the mask shows: cubic weights reach two pixels."""


def to_patch(
    finished: FinishedFace,
    frame_bgr: NDArray[np.uint8],
    track_id: int,
    blend: Literal["alpha", "poisson"] = "alpha",
) -> Patch | None:
    """Warp a finished face back to where it belongs.

    Args:
        finished: the crop, its mask, and where it was cut.
        frame_bgr: uint8 (H, W, 3), the frame it was cut from; it is not changed.
        track_id: written to the patch.
        blend: "alpha" leaves blending by the mask to the compositor; "poisson" makes the face's
            gradients meet the frame's colours at the mask's rim (see ``poisson.py``).

    Returns:
        The patch, its box around what the mask shows and its pixels without meaning where the mask
        is 0; None where nothing of the face lies within the frame.
    """
    coarse = math.hypot(*finished.matrix[:, 0]) < _ENLARGE
    pixels, mask, matrix = _enlarged(finished) if coarse else _shrunk(finished)
    shown = cv2.boundingRect(mask)
    box = _box(matrix, shown, frame_bgr.shape) if shown[2] else None
    if box is None:
        return None
    at_box = matrix.copy()
    at_box[:, 2] += matrix[:, :2] @ box[:2]
    size_wh = box[2] - box[0], box[3] - box[1]
    if coarse:
        warped, cover = warp_with_mask(pixels, mask, at_box, size_wh)
    else:
        # Cubic for the picture: the crop was sampled once already, and twice linear is soft.
        warped = _warp_back(pixels, at_box, size_wh, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
        cover = _warp_back(mask, at_box, size_wh, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    patch = Patch(track_id, box, warped, cover)
    return clone(patch, frame_bgr) if blend == "poisson" else patch


def _box(
    matrix: NDArray[np.float64], shown: Sequence[int], shape: tuple[int, ...]
) -> tuple[int, int, int, int] | None:
    """The frame's pixels that a rectangle of the crop (x, y, width, height) reaches, half open."""
    x, y, width, height = shown
    rim = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]], np.float64)
    rim -= [[1, 1], [0, 1], [1, 0], [0, 0]]  # from centres of pixels to where bilinear weights end
    outline = apply_affine(np.asarray(cv2.invertAffineTransform(matrix), np.float64), rim)
    if not np.isfinite(outline).all():
        return None
    low, high = np.floor(outline.min(axis=0)), np.ceil(outline.max(axis=0)) + 1
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), shape[1]), min(int(high[1]), shape[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _shrunk(finished: FinishedFace) -> _Fitted:
    """Pixels, mask and matrix of a crop; of one much finer than the frame it is shrunk by area, so
    that nothing aliases.
    """
    factor, side = math.hypot(*finished.matrix[:, 0]), len(finished.pixels)
    if factor <= _SHRINK:
        return finished.pixels, finished.mask, finished.matrix
    size_wh = (max(2, round(side / factor)),) * 2
    matrix = _scaled(finished.matrix, size_wh[0] / side)
    return reduce(finished.pixels, size_wh), reduce(finished.mask, size_wh), matrix


def _enlarged(finished: FinishedFace) -> _Fitted:
    """What the mask shows of a crop much coarser than the frame, at twice the size.

    Enlarged at its own small size with cubic weights, it may be warped with linear ones: sampling
    the large result with cubic weights takes three times as long.
    """
    x, y, width, height = cv2.boundingRect(finished.mask)
    x0, y0 = max(x - _MARGIN_PX, 0), max(y - _MARGIN_PX, 0)
    part = slice(y0, y + height + _MARGIN_PX), slice(x0, x + width + _MARGIN_PX)
    matrix = finished.matrix.copy()
    matrix[:, 2] -= x0, y0
    pixels, mask = (
        cv2.resize(picture[part], None, fx=2, fy=2, interpolation=how)
        for picture, how in (
            (finished.pixels, cv2.INTER_CUBIC),
            (finished.mask, cv2.INTER_LINEAR),
        )
    )
    return np.asarray(pixels, np.uint8), np.asarray(mask, np.uint8), _scaled(matrix, 2.0)


def _scaled(matrix: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """The map to a crop of another size."""
    matrix = matrix * scale
    matrix[:, 2] += (scale - 1) / 2  # the centre of a large pixel lies between those of small ones
    return matrix


def _warp_back(
    crop: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    size_wh: tuple[int, int],
    interpolation: int,
    border: int,
) -> NDArray[np.uint8]:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(crop, matrix, size_wh, flags=flags, borderMode=border)
    return np.asarray(warped, np.uint8)
