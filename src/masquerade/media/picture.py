"""One still picture, with everything that is needed to write it back as it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["JpegCoding", "Picture"]


@dataclass(frozen=True, slots=True)
class JpegCoding:
    """How a JPEG was compressed.

    Attributes:
        tables: the quantisation tables, 64 numbers each, in zigzag order, by table number.
        subsampling: Pillow's number (0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0), -1 unknown.
    """

    tables: dict[int, list[int]]
    subsampling: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One still picture, upright.

    Attributes:
        pixels: uint8 (H, W, 3), BGR, C-contiguous, upright.
        format: JPEG, PNG, WEBP, TIFF, GIF, BMP or AVIF.
        alpha: uint8 or uint16 (H, W), 0 transparent; None where the file has none.
        samples: the file's own samples where ``pixels`` say less or other than they do: uint8
            (H, W) of a grey picture; uint16 (H, W) or (H, W, 3) BGR of a 16-bit one. None where
            ``pixels`` are the samples.
        icc_profile: the embedded colour profile, None where there is none.
        exif: EXIF block to write back, without orientation, thumbnail and maker notes.
        dpi: resolution as in the file.
        jpeg: how the JPEG was compressed, None for other formats.
        png_chunks: colour chunks of a PNG that must survive, as (type, data).
    """

    pixels: NDArray[np.uint8]
    format: str = "PNG"
    alpha: NDArray[Any] | None = None
    samples: NDArray[Any] | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    jpeg: JpegCoding | None = None
    png_chunks: tuple[tuple[bytes, bytes], ...] = field(default=())

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def merged(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """The samples of the file with those pixels replaced that differ from ``self.pixels``.

        Args:
            pixels: uint8 (H, W, 3), BGR, the finished picture.

        Returns:
            ``pixels`` itself, or uint8 (H, W) for a grey picture, or uint16 (H, W) or (H, W, 3)
            BGR for a 16-bit one. Samples of untouched pixels are the file's own, bit for bit.
        """
        if self.samples is None:
            return pixels
        changed = (pixels != self.pixels).any(axis=2)
        fresh = pixels if self.samples.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        merged = self.samples.copy()
        if merged.dtype == np.uint16:
            merged[changed] = fresh[changed].astype(np.uint16) * 257
        else:
            merged[changed] = fresh[changed]
        return merged
