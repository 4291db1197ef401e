"""A detector's outputs, sorted by what they are and by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["by_width", "cell_corners"]


def by_width(results: Sequence[NDArray[Any]], width: int) -> list[NDArray[np.float32]]:
    """The outputs whose rows have that many values, the finest level first.

    Args:
        results: of one run, (rows, K) or (1, rows, K) each.
        width: K: 1 for scores, 4 for boxes, 10 for five points.

    Returns:
        float32 (rows, K) each, the longest first; outputs of the same length in the file's order.
    """
    fitting = [r.reshape(-1, width).astype(np.float32) for r in results if r.shape[-1] == width]
    return sorted(fitting, key=lambda rows: -len(rows))


def cell_corners(size_wh: tuple[int, int], stride: int, anchors: int) -> NDArray[np.float32]:
    """Where the cells of a level begin, in network pixels.

    Returns:
        float32 (rows, 2), along lines, every cell ``anchors`` times.
    """
    xs, ys = np.meshgrid(np.arange(size_wh[0] // stride), np.arange(size_wh[1] // stride))
    corners = np.stack([xs, ys], axis=-1).reshape(-1, 2).astype(np.float32) * stride
    return np.repeat(corners, anchors, axis=0)
