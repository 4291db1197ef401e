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

__all__ = ["to_patch"]

_SHRINK = 1.5
"""From this many crop pixels per frame pixel on, the crop is shrunk before it is warped."""
_ENLARGE = 0.75
"""Up to this many, it is enlarged before."""


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
    pixels, mask, matrix = _fitted(finished)
    shown = cv2.boundingRect(mask)
    box = _box(matrix, shown, frame_bgr.shape) if shown[2] else None
    if box is None:
        return None
    at_box = matrix.copy()
    at_box[:, 2] += matrix[:, :2] @ box[:2]
    size_wh = box[2] - box[0], box[3] - box[1]
    if len(pixels) > len(finished.pixels):
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


def _fitted(
    finished: FinishedFace,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]:
    """Pixels, mask and matrix of a crop about as fine as the frame.

    A finer one is shrunk by area, so that nothing aliases. A much coarser one is enlarged here, at
    its own small size: sampling the large result with cubic weights takes three times as long.
    """
    factor, side = math.hypot(*finished.matrix[:, 0]), len(finished.pixels)
    if factor > _SHRINK:
        other = max(2, round(side / factor))
    elif factor < _ENLARGE:
        other = 2 * side
    else:
        return finished.pixels, finished.mask, finished.matrix
    scale, size_wh = other / side, (other, other)
    matrix = finished.matrix * scale
    matrix[:, 2] += (scale - 1) / 2  # the centre of a large pixel lies between those of small ones
    if scale < 1:
        return reduce(finished.pixels, size_wh), reduce(finished.mask, size_wh), matrix
    pixels = cv2.resize(finished.pixels, size_wh, interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(finished.mask, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.asarray(pixels, np.uint8), np.asarray(mask, np.uint8), matrix


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
