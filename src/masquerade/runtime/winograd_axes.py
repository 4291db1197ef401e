"""The transforms of Winograd's F(4, 3) along one axis of a picture, as matrices.

F(4, 3) computes four neighbouring results of a filter of three taps from six values with six
multiplications instead of twelve: ``A' [(G g) * (B' d)]``, for rows and for columns: 36 instead
of 144. Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks" (2015);
the matrices are Toom and Cook's for any five points and infinity.

An axis is cut into tiles of four results, and the tiles into blocks of a few. One matrix takes a
block's stretch of the input (whatever was padded or resized before: it is multiplied in) to the
six values of all its tiles, and another takes six products of all its tiles to its results. Small
blocks would be many small products, whole axes would be products with mostly zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import polynomial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["POINTS", "TAPS", "TILE", "AxisTransform", "filter_transform"]

POINTS: tuple[float, ...] = (0.0, 1.0, -1.0, 0.5, -2.0)
"""Beside infinity. With 2 instead of 0.5 the results are 3 dB less exact."""

TAPS = 3
TILE = len(POINTS) + 1 - TAPS + 1
"""Results of a tile: 4."""

_MOST_TILES_OF_BLOCK = 12
_CHANNELS_AT_A_TIME = 64


@dataclass(frozen=True, slots=True)
class AxisTransform:
    """How one axis goes into the products and comes out of them.

    Attributes:
        blocks: how many there are.
        tiles: in each block.
        places: int64 (blocks, stretch), the input's positions that each block reads; None when
            there is one block, which reads all.
        enter: float32 (blocks, 6 * tiles, stretch), or (6 * tiles, stretch) for one block; rows
            are ordered by value, then by tile.
        leave: float32 (4 * tiles, 6 * tiles); for one block cut to the results.
        results: of the whole axis; blocks may compute a few more, at the end.
    """

    blocks: int
    tiles: int
    places: NDArray[np.int64] | None
    enter: NDArray[np.float32]
    leave: NDArray[np.float32]
    results: int

    @classmethod
    def of(cls, source: NDArray[np.float64]) -> AxisTransform:
        """The transform of an axis.

        Args:
            source: (results + 2, input), the linear map from the input to the padded axis that
                the filter slides over.
        """
        results, length = source.shape[0] - TAPS + 1, source.shape[1]
        blocks, tiles = _cut(-(-results // TILE))
        span = blocks * tiles * TILE + TAPS - 1
        padded = np.zeros((span, length))
        padded[: len(source)] = source
        enter, leave = _block_matrices(tiles)
        if blocks == 1:
            whole = (enter @ padded).astype(np.float32)
            return cls(1, tiles, None, whole, leave[:results], results)
        step, reach = tiles * TILE, tiles * TILE + TAPS - 1
        stretches = [padded[at * step : at * step + reach] for at in range(blocks)]
        places = _places(stretches, length)
        parts = [enter @ part[:, at] for part, at in zip(stretches, places, strict=True)]
        return cls(blocks, tiles, places, np.stack(parts).astype(np.float32), leave, results)

    @property
    def values(self) -> int:
        """Values that each tile puts into the products: 6."""
        return len(POINTS) + 1

    @property
    def all_tiles(self) -> int:
        """Tiles of the whole axis."""
        return self.blocks * self.tiles


def filter_transform(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights of the 36 products.

    Args:
        weights: float32 (out, in, 3, 3) of a convolution.

    Returns:
        float32 (6, 6, in, out).
    """
    _, taps, _ = _toom_cook(POINTS)
    both = np.kron(taps, taps)
    out, inner = weights.shape[:2]
    result = np.empty((len(both), inner, out), np.float32)
    # In float64, a few channels at a time: all would take eight times the memory of the weights.
    for first in range(0, inner, _CHANNELS_AT_A_TIME):
        some = weights[:, first : first + _CHANNELS_AT_A_TIME].transpose(2, 3, 1, 0)
        columns = both @ some.reshape(TAPS**2, -1).astype(np.float64)
        result[:, first : first + some.shape[2]] = columns.reshape(len(both), -1, out)
    return result.reshape(len(taps), len(taps), inner, out)


def _cut(tiles: int) -> tuple[int, int]:
    """Number of blocks, and tiles of each: few blocks without idle tiles, none too large."""
    fewest = -(-tiles // _MOST_TILES_OF_BLOCK)
    even = [blocks for blocks in range(fewest, 2 * fewest + 1) if tiles % blocks == 0]
    blocks = even[0] if even else fewest
    return blocks, -(-tiles // blocks)


def _places(stretches: list[NDArray[np.float64]], length: int) -> NDArray[np.int64]:
    """Positions that each stretch reads, as many for each; unused ones have the weight zero."""
    used = [np.flatnonzero(part.any(axis=0)) for part in stretches]
    ends = [(int(at[0]), int(at[-1])) if len(at) else (0, 0) for at in used]
    width = max(last - first + 1 for first, last in ends)
    starts = np.array([min(first, length - width) for first, _ in ends])
    return np.asarray(starts[:, None] + np.arange(width), np.int64)


def _block_matrices(tiles: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Into the products (6 * tiles, 4 * tiles + 2), and out of them (4 * tiles, 6 * tiles)."""
    into, _, out = _toom_cook(POINTS)
    values = len(into)
    enter = np.zeros((values, tiles, tiles * TILE + TAPS - 1))
    leave = np.zeros((tiles, TILE, values, tiles))
    for tile in range(tiles):
        enter[:, tile, tile * TILE : tile * TILE + values] = into
        leave[tile, :, :, tile] = out
    flat = leave.reshape(tiles * TILE, values * tiles).astype(np.float32)
    return enter.reshape(values * tiles, -1), flat


def _toom_cook(points: Sequence[float]) -> tuple[NDArray[np.float64], ...]:
    """Matrices of the input (6, 6), the filter (6, 3) and the result (4, 6).

    Row i of the input's matrix holds the product of (x - p) over all other points p, of which the
    filter's row is divided; the last rows belong to infinity.
    """
    count = len(points)
    into = np.zeros((count + 1, count + 1))
    taps = np.zeros((count + 1, TAPS))
    out = np.zeros((count + 2 - TAPS, count + 1))
    for row, point in enumerate(points):
        others = [other for other in points if other != point]
        into[row, :count] = polynomial.polyfromroots(others)
        taps[row] = point ** np.arange(TAPS) / np.prod([point - other for other in others])
        out[:, row] = point ** np.arange(len(out))
    into[-1] = polynomial.polyfromroots(points)
    taps[-1, -1] = out[-1, -1] = 1
    return into, taps, out
