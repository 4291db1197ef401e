"""Swapped faces larger than the swapper's own: every n-th pixel makes a crop of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from masquerade.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.donor_code import DonorCode
    from masquerade.models.swapper import Swapper

__all__ = ["merge_phases", "split_phases", "swap_boosted"]

_Value = TypeVar("_Value", bound=np.generic)


def split_phases(crop_bgr: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The crops of ``size`` that a larger crop interleaves.

    Args:
        crop_bgr: uint8 (P, P, 3), P a multiple of ``size``.
        size: S, side of the swapper's crops.

    Returns:
        uint8 (d * d, S, S, 3) with d = P / S; number ``row * d + column`` holds
        ``crop[row::d, column::d]``.

    >>> split_phases(np.zeros((256, 256, 3), np.uint8), 128).shape
    (4, 128, 128, 3)
    """
    step = crop_bgr.shape[0] // size
    grid = crop_bgr.reshape(size, step, size, step, 3).transpose(1, 3, 0, 2, 4)
    return np.ascontiguousarray(grid).reshape(step * step, size, size, 3)


def merge_phases(crops: NDArray[_Value]) -> NDArray[_Value]:
    """Undo :func:`split_phases`, bit for bit.

    Args:
        crops: (d * d, S, S, C) of any dtype: pictures, or masks with C = 1.

    Returns:
        (d * S, d * S, C), of the same dtype.
    """
    count, size, _, channels = crops.shape
    step = round(count**0.5)
    grid = crops.reshape(step, step, size, size, channels).transpose(2, 0, 3, 1, 4)
    return np.ascontiguousarray(grid).reshape(step * size, step * size, channels)


def swap_boosted(
    swapper: Swapper,
    crops_bgr: NDArray[np.uint8],
    codes: Sequence[DonorCode],
    *,
    weight: float = 0.5,
) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """Swap crops that are a multiple of the swapper's size; d times as wide costs d * d runs.

    The phases of all faces go together.

    Args:
        swapper: draws every phase.
        crops_bgr: uint8 (N, P, P, 3), cut by the swapper's template at P.
        codes: of the donors, one for each crop.
        weight: identity weight; see :meth:`Swapper.swap`.

    Returns:
        The faces, uint8 (N, P, P, 3), and the masks that some swappers give besides: float32
        (N, P, P) from 0 to 1 where 1 is the swapped face, None of the others.

    Raises:
        ModelError: P is no multiple of the swapper's size, or the network failed.
    """
    side = crops_bgr.shape[1]
    if side == swapper.size:
        return swapper.swap_with_masks(crops_bgr, codes, weight=weight)
    if side % swapper.size:
        raise ModelError(
            f"A crop of {side} pixels is no multiple of {swapper.size}. "
            f"Choose a multiple of what {swapper.spec.name} draws."
        )
    phases = np.concatenate([split_phases(crop, swapper.size) for crop in crops_bgr])
    each = len(phases) // len(crops_bgr)
    # A target is looked at once and whole, not once for every phase.
    pairs = zip(codes, crops_bgr, strict=True)
    leaning = [swapper.weighted(code, crop, weight) for code, crop in pairs]
    of_phases = [code for code in leaning for _ in range(each)]
    faces, masks = swapper.swap_with_masks(phases, of_phases)
    merged = _merged(faces, len(crops_bgr))
    return merged, None if masks is None else _merged(masks[..., None], len(crops_bgr))[..., 0]


def _merged(phases: NDArray[_Value], count: int) -> NDArray[_Value]:
    """The phases of ``count`` crops, each crop's together."""
    return np.stack([merge_phases(part) for part in np.split(phases, count)])
