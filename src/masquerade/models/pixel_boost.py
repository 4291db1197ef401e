"""Swapped faces larger than the swapper's own: every n-th pixel makes a crop of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.donor_code import DonorCode
    from masquerade.models.swapper import Swapper

__all__ = ["merge_phases", "split_phases", "swap_boosted", "swap_many_boosted"]


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


def merge_phases(crops_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Undo :func:`split_phases`, bit for bit.

    Args:
        crops_bgr: uint8 (d * d, S, S, 3).

    Returns:
        uint8 (d * S, d * S, 3).
    """
    count, size = crops_bgr.shape[:2]
    step = round(count**0.5)
    grid = crops_bgr.reshape(step, step, size, size, 3).transpose(2, 0, 3, 1, 4)
    return np.ascontiguousarray(grid).reshape(step * size, step * size, 3)


def swap_boosted(
    swapper: Swapper, crop_bgr: NDArray[np.uint8], code: DonorCode, *, weight: float = 0.5
) -> NDArray[np.uint8]:
    """Swap a crop that is a multiple of the swapper's size; d times as wide costs d * d runs.

    Args:
        swapper: draws every phase.
        crop_bgr: uint8 (P, P, 3), cut by the swapper's template at P.
        code: of the donor.
        weight: identity weight; see :meth:`Swapper.swap`.

    Returns:
        uint8 (P, P, 3).

    Raises:
        ModelError: P is no multiple of the swapper's size, or the network failed.
    """
    return np.asarray(swap_many_boosted(swapper, crop_bgr[None], (code,), weight=weight)[0])


def swap_many_boosted(
    swapper: Swapper,
    crops_bgr: NDArray[np.uint8],
    codes: Sequence[DonorCode],
    *,
    weight: float = 0.5,
) -> NDArray[np.uint8]:
    """As :func:`swap_boosted`, of several faces; the phases of all of them go together.

    Args:
        swapper: draws every phase.
        crops_bgr: uint8 (N, P, P, 3).
        codes: of the donors, one for each crop.
        weight: see there.

    Returns:
        uint8 (N, P, P, 3).

    Raises:
        ModelError: see there.
    """
    side = crops_bgr.shape[1]
    if side == swapper.size:
        return swapper.swap(crops_bgr, codes, weight=weight)
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
    swapped = swapper.swap(phases, [code for code in leaning for _ in range(each)])
    return np.stack([merge_phases(part) for part in np.split(swapped, len(crops_bgr))])
