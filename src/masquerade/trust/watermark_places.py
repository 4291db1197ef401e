"""Where in a picture a tile of the invisible mark lies: its scale, its place, how it is turned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from masquerade.trust.watermark import SHORT_SIDE
from masquerade.trust.watermark_code import TILE, anchor_tile, even_tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["VIEWS", "Place", "View", "evened", "folded", "places", "seen"]

_SMALLEST, _LARGEST = 0.35, 2.5
"""A cut picture is known down to this share of the marked one's short side, and one that was put
into a larger picture up to this one."""

_SCALE_STEP = 1.004
_OCTAVE_STEPS = 86
"""Scales that are found from one evened picture: half an octave."""

_TRIED = 32
"""How many of the best places are handed out."""

_LOCAL_UNITS = 27
_FLAT_LEVELS = 1.5

_Kind = TypeVar("_Kind", np.uint8, np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class View:
    """How a picture was mirrored and then turned, by degrees clockwise."""

    turned: int
    mirrored: bool


VIEWS = tuple(
    View(turned, mirrored) for mirrored, turned in product((False, True), range(0, 360, 90))
)
"""All eight, that of an upright picture first."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place that looks like one of a tile.

    Attributes:
        tile: float32 (TILE, TILE), as it was laid out.
        scale: the picture's short side as a share of the marked one's.
        view: how the picture was turned.
        anchor: how far the anchor stands out, in standard deviations of what other places answer.
    """

    tile: NDArray[np.float32]
    scale: float
    view: View
    anchor: float


def seen(plane: NDArray[_Kind], view: View) -> NDArray[_Kind]:
    """A picture (H, W) that was turned so, upright again."""
    upright = np.rot90(plane, view.turned // 90)
    return upright[:, ::-1] if view.mirrored else upright


def _turned(plane: NDArray[_Kind], view: View) -> NDArray[_Kind]:
    return np.rot90(plane[:, ::-1] if view.mirrored else plane, -view.turned // 90)


def evened(plane: NDArray[np.uint8], scale: float = 1.0) -> NDArray[np.float32]:
    """The picture in units of the pattern, without what is lower than its band, weighed.

    What is rough drowns the mark: the contrast of a neighbourhood is divided by, and once more to
    weigh it by how much it can tell.

    Args:
        plane: uint8 (H, W).
        scale: its short side as a share of the marked picture's.

    Returns:
        float32, (h, w).
    """
    fine = _in_units(plane, SHORT_SIDE * scale).astype(np.float32)
    area = (_LOCAL_UNITS, _LOCAL_UNITS)
    fine -= cv2.blur(fine, area)
    spread = np.sqrt(np.maximum(cv2.blur(fine * fine, area), 0)) + _FLAT_LEVELS
    return np.asarray(fine / (spread * spread), np.float32)


def _in_units(plane: NDArray[_Kind], short_side: float) -> NDArray[_Kind]:
    height, width = plane.shape
    factor = short_side / min(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=how))


def folded(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """All tiles of an evened picture summed, float32 (TILE, TILE)."""
    rows, columns = (-(-side // TILE) for side in plane.shape)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2)))


def places(planes: Sequence[NDArray[np.uint8]]) -> Iterator[Place]:
    """The places where tiles may lie, the likeliest first.

    Args:
        planes: uint8 (H, W) each, of one size, which carry the same mark at the same place.
    """
    found = []
    for scale, tile in _tiles(planes):
        answers = np.fft.irfft2(even_tile(tile) * _anchors(), s=(TILE, TILE))
        answers /= answers.std(axis=(1, 2), keepdims=True) + np.finfo(np.float32).tiny
        for view, answer in zip(VIEWS, answers, strict=True):
            found.append((float(answer.max()), scale, view, int(answer.argmax()), tile))
    found.sort(key=lambda each: -each[0])
    for anchor, scale, view, at, tile in found[:_TRIED]:
        y, x = divmod(at, TILE)
        laid = seen(np.roll(tile, (-y, -x), (0, 1)), view)
        yield Place(np.ascontiguousarray(laid), scale, view, anchor)


def _tiles(
    planes: Sequence[NDArray[np.uint8]],
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """The folded pictures at all scales; what is evened at one serves its neighbours as well."""
    steps = math.floor(math.log(_LARGEST / _SMALLEST, _SCALE_STEP))
    scales = [_SMALLEST * _SCALE_STEP**step for step in range(steps + 1)]
    for first in range(0, len(scales), _OCTAVE_STEPS):
        near = scales[first : first + _OCTAVE_STEPS]
        middle = near[len(near) // 2]
        total = np.sum([evened(plane, middle) for plane in planes], axis=0)
        for scale in near:
            yield scale, folded(_in_units(total, SHORT_SIDE * scale))


@lru_cache(maxsize=1)
def _anchors() -> NDArray[np.complex64]:
    """The ``rfft2`` of the anchor in all views, conjugated, complex64 (8, TILE, TILE // 2 + 1)."""
    tiles = [_turned(anchor_tile(), view) for view in VIEWS]
    return np.conj(np.fft.rfft2(np.stack(tiles))).astype(np.complex64)
