"""Finding the invisible mark in pictures, however they were scaled, cut or compressed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.trust.watermark import (
    CHECK_BITS,
    SHORT_SIDE,
    TILE,
    check_bits,
    in_band,
    patterns,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FoundMark", "read_mark"]

_CERTAIN = 5.5
"""How many standard deviations of what unmarked pictures answer make an anchor. In a picture of two
million places and scales that noise could answer at, four in a hundred reach it; their numbers then
agree with their checks once in 256."""

_CERTAIN_IN_PLACE = 3.5
"""The same where the anchor of an uncut picture must be: one place, which noise passes once in
4300."""

_DOUBTED_BITS = 4

_SMALLEST_KEPT = 0.35
"""A cut picture is known down to this share of the short side."""

_SCALE_STEP = 1.005
_LOCAL_UNITS = 5.0
_HIGH_PASS_UNITS = 3.5
_FLAT_LEVELS = 0.7
_NOTHING = 1e-3


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A mark that was read.

    Attributes:
        number: what it says.
        certainty: of its anchor, in standard deviations of what unmarked pictures answer.
        scale: share of the marked picture's short side that is left; 1 if nothing was cut off.
    """

    number: int
    certainty: float
    scale: float = 1.0


def read_mark(pictures: Iterable[NDArray[np.uint8]], *, search: bool = True) -> FoundMark | None:
    """Read the mark of pictures that carry the same one, such as frames of one video.

    Args:
        pictures: uint8 (H, W) luminance or (H, W, 3) BGR, all of one size. What they say is
            added up before it is read.
        search: look for cut pictures too, which takes about a second.

    Returns:
        What was read; None where there is no mark, or none that is whole.
    """
    planes = [_luminance(picture) for picture in pictures]
    if not planes or min(planes[0].shape) < TILE // 4:
        return None
    for kept in _scales(search=search):
        folded = sum(_folded(plane, kept) for plane in planes)
        found = _read(np.asarray(folded), kept)
        if found is not None:
            return found
    return None


def _scales(*, search: bool) -> Iterator[float]:
    kept = 1.0
    while kept > _SMALLEST_KEPT:
        yield kept
        if not search:
            return
        kept /= _SCALE_STEP


def _luminance(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _folded(plane: NDArray[np.uint8], kept: float) -> NDArray[np.float32]:
    """The picture in units of the pattern, evened out, all tiles summed: float32 (TILE, TILE)."""
    height, width = plane.shape
    scale = SHORT_SIDE * kept / min(height, width)
    size = max(TILE, round(width * scale)), max(TILE, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    even = _evened(cv2.resize(plane, size, interpolation=how).astype(np.float32))
    rows, columns = (-(-side // TILE) for side in even.shape)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[: even.shape[0], : even.shape[1]] = even
    return np.asarray(padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2)))


def _evened(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without what is lower than the band, and everywhere of the same contrast.

    Where the picture is rough its own detail drowns the mark, so it must weigh little there.
    """
    fine = plane - cv2.GaussianBlur(plane, (0, 0), _HIGH_PASS_UNITS)
    spread = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _LOCAL_UNITS)) + _FLAT_LEVELS
    return np.asarray(fine / spread, np.float32)


def _read(folded: NDArray[np.float32], kept: float) -> FoundMark | None:
    spectrum = np.fft.rfft2(folded) * in_band()
    size = np.abs(spectrum)
    usual = float(np.median(size[in_band()]))
    if usual < _NOTHING:
        return None
    spectrum /= size + 0.3 * usual
    even = np.fft.irfft2(spectrum, s=(TILE, TILE))
    answers = np.fft.irfft2(spectrum * np.conj(np.fft.rfft2(patterns()[0])), s=(TILE, TILE))
    answers /= answers.std()
    y, x, enough = 0, 0, _CERTAIN_IN_PLACE
    if kept != 1 or answers[0, 0] < enough:
        y, x = (int(at) for at in np.unravel_index(int(answers.argmax()), answers.shape))
        enough = _CERTAIN
    certainty = float(answers[y, x])
    if certainty < enough:
        return None
    word = np.tensordot(patterns()[1:], np.roll(even, (-y, -x), (0, 1)), 2)
    number = _number(word)
    return None if number is None else FoundMark(number, certainty, kept)


def _number(word: NDArray[np.float64]) -> int | None:
    """The number that agrees with its check, with some of the weakest bits turned if need be."""
    weakest = np.argsort(np.abs(word))[:_DOUBTED_BITS]
    turns = itertools.product((False, True), repeat=_DOUBTED_BITS)
    for turned in sorted(turns, key=sum):
        bits = word > 0
        bits[weakest] ^= turned
        value = int("".join("1" if bit else "0" for bit in bits), 2)
        number, check = value >> CHECK_BITS, value & (1 << CHECK_BITS) - 1
        if check_bits(number) == check:
            return number
    return None
