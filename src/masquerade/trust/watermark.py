"""The invisible mark: a faint pattern over the whole picture that says a number.

It is a spread-spectrum mark (I. J. Cox and others, "Secure spread spectrum watermarking for
multimedia", IEEE Transactions on Image Processing 6 (12), 1997). It lies in the luminance, in a
band of low frequencies that scaling and codecs leave alone, and repeats in tiles, so that a part of
the picture holds the whole number. The picture decides nothing, so one pattern serves all frames of
a size and costs one addition. ADR 0017 says what else was tried.

The patterns are published with this program: whoever wants to remove the mark can. It is there for
files that have lost their metadata on the way, not against an adversary.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.trust.watermark_code import NUMBER_BITS, SCHEME, TILE, tile_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SHORT_SIDE", "Watermark", "new_number", "number_of"]

SHORT_SIDE = 288
"""The short side of every picture in units of the pattern."""

_HIGHEST = 2.0
"""Peaks are cut off at so many times the usual strength: single spots would be seen."""

_LEVELS = 1.6
_MOST_LEVELS = 2.0
_LINES = 720
"""Usual strength, root of the mean square in levels of 255, of pictures with so many lines. Smaller
ones get more, as fewer pixels carry the number; larger ones do not need less."""


def new_number() -> int:
    """A random number for an output that no file was the source of, as live."""
    return secrets.randbelow(1 << NUMBER_BITS)


def number_of(*facts: str) -> int:
    """The number that belongs to these facts: the same job done again gets the same pixels."""
    digest = hashlib.sha256("\0".join(facts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - NUMBER_BITS)


class Watermark:
    """Adds the mark of one number to pictures of any size.

    The pattern is laid out once for each size of picture and kept for the last one.

    Args:
        number: 0 and more, below ``2 ** NUMBER_BITS``.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._laid: tuple[Any, NDArray[Any], NDArray[Any]] | None = None

    def statement(self) -> dict[str, str]:
        """What the credentials say of it."""
        return {"scheme": SCHEME, "number": f"{self.number:05x}"}

    def add(self, samples: NDArray[Any], peak: int = 255) -> None:
        """Put the mark into a picture or into its plane of luminance, in place.

        Args:
            samples: uint8 or uint16, (H, W) luminance or (H, W, 3) in any order of colours.
            peak: the value of white, such as 1023 for 10 bits.
        """
        key = (samples.shape, samples.dtype, peak)
        laid = self._laid
        if laid is None or laid[0] != key:
            laid = self._laid = (key, *self._lay(samples, peak))
        _, more, less = laid
        cv2.subtract(samples, less, dst=samples)
        cv2.add(samples, more, dst=samples)
        if samples.dtype == np.uint16 and peak < np.iinfo(np.uint16).max:
            np.minimum(samples, peak, out=samples)

    def _lay(self, samples: NDArray[Any], peak: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """What is added and what is taken away, of the form of ``samples``."""
        levels = self.levels((samples.shape[1], samples.shape[0])) * (peak / 255)
        whole = np.rint(levels).astype(np.int32)
        if samples.ndim == 3:
            whole = np.repeat(whole[..., None], samples.shape[2], axis=2)
        more, less = (np.maximum(side, 0).astype(samples.dtype) for side in (whole, -whole))
        return more, less

    def levels(self, size_wh: tuple[int, int]) -> NDArray[np.float32]:
        """The pattern of a picture of that size, float32 (H, W), in levels of 255."""
        scale = SHORT_SIDE / min(size_wh)
        tile = np.clip(tile_of(self.number), -_HIGHEST, _HIGHEST).astype(np.float32)
        tile *= _strength(min(size_wh)) / float(tile.std())
        down, across = (int(side * scale) // TILE + 2 for side in reversed(size_wh))
        plane = np.tile(tile, (down, across))
        # Centres of pixels lie on centres: x' + 1/2 = scale * (x + 1/2).
        shift = scale / 2 - 0.5
        matrix = np.array([[scale, 0, shift], [0, scale, shift]], np.float32)
        how = (cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(plane, matrix, size_wh, flags=how), np.float32)


def _strength(lines: int) -> float:
    return min(_MOST_LEVELS, _LEVELS * max(1.0, math.sqrt(math.sqrt(_LINES / lines))))
