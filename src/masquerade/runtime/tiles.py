"""Pictures larger than a network takes: enhanced tile by tile, without a seam.

Neighbouring tiles overlap. In the middle of what both show, one fades into the other: rows of
tiles first from left to right, then the row into the one above. Every pixel is a weighted mean of
the tiles that show it, the weights change by at most ``1 / (overlap + 1)`` from one pixel to the
next, and so where two tiles differ by d levels, the step at their seam is at most
``d / (overlap + 1)`` levels beside what the tiles themselves show.

Beside the picture and its result one tile and a strip of the one before it are held, whatever the
picture's size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Span", "enhance_tiled", "fitted_side", "spans"]


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one side of the picture, pixels, half open.

    Attributes:
        start: where the tile begins; it is a whole tile long.
        first: from where its pixels are taken: they fade in over ``overlap`` from here.
        last: where the next tile begins to fade in, or the picture's end.
    """

    start: int
    first: int
    last: int


def spans(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """Tiles that cover a side evenly; the last one ends where the side does.

    Args:
        length: of the side, at least ``tile``.
        tile: length of a tile.
        overlap: pixels over which neighbours fade, at most a third of ``tile``.

    Raises:
        SettingsError: the overlap is too wide, or below 0.

    >>> [span.start for span in spans(1000, 512, 64)]
    [0, 244, 488]
    """
    if not 0 <= 3 * overlap <= tile:
        raise SettingsError(
            f"Tiles of {tile} pixels cannot overlap by {overlap}; give at most a third."
        )
    count = max(1, -(-(length - overlap) // (tile - overlap)))
    starts = [round(i * (length - tile) / max(1, count - 1)) for i in range(count)]
    fades = [(after + before + tile - overlap) // 2 for before, after in pairwise(starts)]
    return tuple(
        Span(start, first, last)
        for start, first, last in zip(starts, [0, *fades], [*fades, length], strict=True)
    )


def fitted_side(length: int, most: int, overlap: int, step: int) -> int:
    """The side of tiles that cover a side of a picture while least of it is drawn twice.

    Args:
        length: of the picture's side in pixels.
        most: the longest that a tile may be, a multiple of ``step`` and above ``overlap``.
        overlap: see :func:`spans`.
        step: what tiles' sides are multiples of.

    >>> [fitted_side(length, 1024, 32, 16) for length in (1920, 1080, 90)]
    [976, 560, 96]
    """
    count = max(1, -(-(length - overlap) // (most - overlap)))
    least = -(-(length + (count - 1) * overlap) // count)
    return -(-least // step) * step


def enhance_tiled(
    enhance: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    picture: NDArray[np.uint8],
    tile_hw: tuple[int, int],
    overlap: int,
) -> NDArray[np.uint8]:
    """Enhance a picture of any size with a network that takes tiles.

    Args:
        enhance: takes uint8 (h, w, 3), a tile, and returns uint8 (k * h, k * w, 3) with the same
            whole number k each time.
        picture: uint8 (H, W, 3). Sides below the tile's are mirrored at their ends.
        tile_hw: height and width of a tile in pixels.
        overlap: pixels over which neighbours fade, at most a third of either; at least the reach
            of what the network mends (16 and more for faces).

    Returns:
        uint8 (k * H, k * W, 3).

    Raises:
        SettingsError: the overlap is too wide, or below 0.
        ModelError: the network returned a picture that is no multiple of its tile.
    """
    height, width = picture.shape[:2]
    high, wide = tile_hw
    padded = _padded(picture, tile_hw)
    columns = spans(padded.shape[1], wide, overlap)
    canvas: _Canvas | None = None
    for row in spans(padded.shape[0], high, overlap):
        for column in columns:
            piece = padded[row.start : row.start + high, column.start : column.start + wide]
            enhanced = enhance(np.ascontiguousarray(piece))
            scale = _scale_of(enhanced, tile_hw)
            if canvas is None:
                canvas = _Canvas(padded.shape[:2], scale, overlap * scale)
            canvas.put(enhanced, _scaled(row, scale), _scaled(column, scale))
    assert canvas is not None, "a side has at least one tile"
    return np.ascontiguousarray(canvas.pixels[: height * scale, : width * scale])


class _Canvas:
    """The result, filled tile after tile, each row from left to right."""

    def __init__(self, shape_hw: tuple[int, ...], scale: int, overlap: int) -> None:
        height, width = shape_hw[0] * scale, shape_hw[1] * scale
        self.pixels = np.empty((height, width, 3), np.uint8)
        steps = np.linspace(0, 1, overlap + 2, dtype=np.float32)
        self._ramp = steps[1:-1, None]
        self._overlap = overlap
        self._left: NDArray[np.uint8] | None = None

    def put(self, tile: NDArray[np.uint8], row: Span, column: Span) -> None:
        """Take the tile's own part, faded into its neighbours to the left and above."""
        bottom = min(row.last + self._overlap, self.pixels.shape[0]) - row.start
        own = tile[row.first - row.start : bottom, column.first - column.start :]
        left, width = self._left, column.last - column.first
        # What the next tile fades from; a copy, so that the tile itself can go.
        self._left = own[:, width : width + self._overlap].copy()
        own = own[:, :width]
        if column.first and left is not None and self._overlap:
            own = own.copy()
            own[:, : self._overlap] = _faded(left, own[:, : self._overlap], self._ramp[None])
        place = self.pixels[row.first : row.start + bottom, column.first : column.last]
        if row.first and self._overlap:
            above = place[: self._overlap]
            above[:] = _faded(above, own[: self._overlap], self._ramp[:, None])
            place[self._overlap :] = own[self._overlap :]
        else:
            place[:] = own


def _faded(
    before: NDArray[np.uint8], after: NDArray[np.uint8], weight: NDArray[np.float32]
) -> NDArray[np.uint8]:
    mixed = before + (after.astype(np.float32) - before) * weight
    return np.asarray(np.rint(mixed), np.uint8)


def _padded(picture: NDArray[np.uint8], tile_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture with sides of at least the tile's, mirrored beyond its ends."""
    below, right = (
        max(0, tile - side) for tile, side in zip(tile_hw, picture.shape[:2], strict=True)
    )
    if not below and not right:
        return picture
    return np.asarray(cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REFLECT), np.uint8)


def _scaled(span: Span, scale: int) -> Span:
    return Span(span.start * scale, span.first * scale, span.last * scale)


def _scale_of(enhanced: NDArray[np.uint8], tile_hw: tuple[int, int]) -> int:
    height, width = int(enhanced.shape[0]), int(enhanced.shape[1])
    scale = height // tile_hw[0]
    if not scale or (height, width) != (scale * tile_hw[0], scale * tile_hw[1]):
        raise ModelError(
            f"The enhancer made {width}x{height} of a tile of {tile_hw[1]}x{tile_hw[0]}, which is "
            "no whole multiple; choose another enhancer."
        )
    return scale
