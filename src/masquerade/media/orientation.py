"""Which way is up: EXIF's eight orientations and FFmpeg's display matrix, as one value."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Orientation"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """How stored pixels become upright ones: transpose first, then mirror.

    Attributes:
        transpose: rows and columns change places.
        flip_x: mirrored left to right (after the transpose).
        flip_y: mirrored top to bottom (after the transpose).
    """

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @classmethod
    def from_exif(cls, value: int) -> Self:
        """The orientation of EXIF tag 0x0112; values other than 1 to 8 mean upright."""
        transpose, flip_x, flip_y = {
            2: (False, True, False),
            3: (False, True, True),
            4: (False, False, True),
            5: (True, False, False),
            6: (True, True, False),
            7: (True, True, True),
            8: (True, False, True),
        }.get(value, (False, False, False))
        return cls(transpose, flip_x, flip_y)

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Self:
        """The orientation of an FFmpeg display matrix (libavutil/display.h), 9 native int32.

        The matrix maps a stored (p, q) to a shown (a p + c q, b p + d q). Angles that are not
        multiples of 90 degrees are taken as the nearest multiple.
        """
        a, b, _, c, d = struct.unpack_from("=5i", matrix)
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @property
    def is_upright(self) -> bool:
        """Nothing is to be done."""
        return not (self.transpose or self.flip_x or self.flip_y)

    def upright(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Stored pixels (H, W) or (H, W, C), turned upright, C-contiguous, same dtype."""
        if self.transpose:
            pixels = cv2.transpose(pixels)
        if self.flip_x or self.flip_y:
            code = -1 if self.flip_x and self.flip_y else int(self.flip_x)
            pixels = cv2.flip(pixels, code)
        return np.ascontiguousarray(pixels)
