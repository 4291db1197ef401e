"""The invisible mark: a faint pattern over the whole picture that says a number.

It is a spread-spectrum mark (I. J. Cox and others, "Secure spread spectrum watermarking for
multimedia", IEEE Transactions on Image Processing 6 (12), 1997): one fixed pattern for each bit,
added or taken away, and one that is always added, by which the others are found. All lie in the
luminance, in a band of frequencies that scaling and codecs leave alone, and repeat in tiles, so
that a part of the picture holds the whole number. The picture decides nothing, so one pattern
serves all frames of a size and costs one addition. ADR 0017 says what else was tried.

The patterns are published with this program: whoever wants to remove the mark can. It is there for
files that have lost their metadata on the way, not against an adversary.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CHECK_BITS",
    "NUMBER_BITS",
    "SCHEME",
    "SHORT_SIDE",
    "TILE",
    "Watermark",
    "check_bits",
    "code_word",
    "in_band",
    "new_number",
    "number_of",
    "patterns",
]

SCHEME = "masquerade-1"
"""Name of this way to mark; the credentials say it beside the number."""

NUMBER_BITS = 20
CHECK_BITS = 12
SHORT_SIDE = 288
"""The short side of every picture in units of the pattern."""

TILE = 96
"""Side of a tile in the same units."""

_BAND = (0.05, 0.22)  # cycles per unit
_CHECK_POLYNOMIAL = 0x80F  # CRC-12 as in 3GPP 2 and DECT: x^12 + x^11 + x^3 + x^2 + x + 1
_ANCHOR_SHARE = 3.0
_RMS_LEVELS = 1.5


def new_number() -> int:
    """A random number for an output that no file was the source of, as live."""
    return secrets.randbelow(1 << NUMBER_BITS)


def number_of(*facts: str) -> int:
    """The number that belongs to these facts: the same job done again gets the same pixels."""
    digest = hashlib.sha256("\0".join(facts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - NUMBER_BITS)


def check_bits(number: int) -> int:
    """CRC-12 of a number of :data:`NUMBER_BITS` bits."""
    rest = number << CHECK_BITS
    for bit in range(NUMBER_BITS + CHECK_BITS - 1, CHECK_BITS - 1, -1):
        if rest >> bit & 1:
            rest ^= (_CHECK_POLYNOMIAL | 1 << CHECK_BITS) << (bit - CHECK_BITS)
    return rest


def code_word(number: int) -> NDArray[np.float64]:
    """The bits of a number and its check, float64 (32,): -1 and 1, the highest first."""
    word = number << CHECK_BITS | check_bits(number)
    length = NUMBER_BITS + CHECK_BITS
    return np.array([1.0 if word >> bit & 1 else -1.0 for bit in reversed(range(length))])


@lru_cache(maxsize=1)
def patterns() -> NDArray[np.float64]:
    """The anchor and one pattern a bit, float64 (33, TILE, TILE): orthogonal, of mean square 1.

    They are made from bytes of SHAKE-256, which are the same everywhere and for good.
    """
    count = 1 + NUMBER_BITS + CHECK_BITS
    data = hashlib.shake_256(SCHEME.encode()).digest(count * TILE * TILE // 8)
    noise = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(count, TILE, TILE) * 2.0 - 1
    spectrum = np.fft.rfft2(noise) * in_band()
    tiles = np.fft.irfft2(spectrum, s=(TILE, TILE)).reshape(count, -1)
    basis, triangle = np.linalg.qr(tiles.T)
    upright = basis * np.sign(np.diag(triangle))
    return np.asarray(upright.T.reshape(count, TILE, TILE) * TILE)


@lru_cache(maxsize=1)
def in_band() -> NDArray[np.bool_]:
    """Which coefficients of a tile's ``rfft2`` are the pattern's, bool (TILE, TILE // 2 + 1)."""
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None])
    return np.asarray((frequency > _BAND[0]) & (frequency < _BAND[1]))


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
        bits = np.concatenate([[_ANCHOR_SHARE], code_word(self.number)])
        tile = np.tensordot(bits, patterns(), 1).astype(np.float32)
        tile *= _RMS_LEVELS / float(tile.std())
        down, across = (int(side * scale) // TILE + 2 for side in reversed(size_wh))
        plane = np.tile(tile, (down, across))
        # Centres of pixels lie on centres: x' + 1/2 = scale * (x + 1/2).
        shift = scale / 2 - 0.5
        matrix = np.array([[scale, 0, shift], [0, scale, shift]], np.float32)
        how = (cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(plane, matrix, size_wh, flags=how), np.float32)
