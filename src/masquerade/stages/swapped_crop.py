"""A face between two networks: what was drawn so far, and how to cut it anew for the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.core.frame import Patch
from masquerade.geometry.templates import warp_crop
from masquerade.geometry.warp import warp_with_mask
from masquerade.stages.face_masks import box_mask, combine, warp_mask
from masquerade.stages.overlay import blend

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SwappedCrop"]

_ALIASES = 2.0
"""From this many pixels per pixel of the other square on they are halved first."""
_EDGE = 0.02
"""Softness of a crop's edge where what was drawn reaches beyond it."""


@dataclass(frozen=True, slots=True)
class SwappedCrop:
    """A square of the frame with a face drawn into it.

    Attributes:
        pixels: uint8 (S, S, 3) BGR, what was drawn.
        target: uint8 (S, S, 3) BGR, what the frame shows there.
        cover: uint8 (S, S), 255 where something was drawn, with a soft edge.
        matrix: float64 (2, 3), frame to crop.
    """

    pixels: NDArray[np.uint8]
    target: NDArray[np.uint8]
    cover: NDArray[np.uint8]
    matrix: NDArray[np.float64]

    def recut(
        self, frame_bgr: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
    ) -> SwappedCrop:
        """The face composed into another square of the frame.

        Args:
            frame_bgr: uint8 (H, W, 3), the frame; around the face its pixels are taken.
            matrix: float64 (2, 3), frame to the other square.
            size: side of that square.
        """
        if size == len(self.pixels) and np.allclose(matrix, self.matrix, atol=1e-6):
            return self
        target = warp_crop(frame_bgr, matrix, size, border="edge")
        back = _compose(self.matrix, np.asarray(cv2.invertAffineTransform(matrix)))
        drawn, cover = self._drawn(back, size)
        pixels = target.copy()
        x, y, width, height = cv2.boundingRect(cover)
        part = slice(y, y + height), slice(x, x + width)
        if width:
            blend(pixels, Patch(-1, (x, y, x + width, y + height), drawn[part], cover[part]))
        cover = combine(cover, box_mask(size, _EDGE, 0.0))
        return SwappedCrop(pixels, target, cover, matrix)

    def _drawn(
        self, back: NDArray[np.float64], size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """What was drawn and its cover in another square, from which ``back`` leads to this one."""
        if math.hypot(*back[:, 0]) < _ALIASES:
            return warp_with_mask(self.pixels, self.cover, back, (size, size))
        across = np.asarray(cv2.invertAffineTransform(back), np.float64)
        drawn = warp_crop(self.pixels, across, size, border="edge")
        return drawn, warp_mask(self.cover, across, size)


def _compose(second: NDArray[np.float64], first: NDArray[Any]) -> NDArray[np.float64]:
    """The affine map that applies ``first`` and then ``second``."""
    return np.column_stack(
        [second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]]
    )
