"""A face between two networks: what was drawn so far, and how to cut it anew for the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.geometry.templates import warp_crop
from masquerade.stages.face_masks import box_mask, combine, warp_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SwappedCrop"]

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
        across = _compose(matrix, np.asarray(cv2.invertAffineTransform(self.matrix)))
        cover = warp_mask(self.cover, across, size)
        drawn = warp_crop(self.pixels, across, size, border="edge")
        weight = cover.astype(np.float32) / np.float32(255)
        pixels = cv2.blendLinear(drawn, target, weight, 1 - weight)
        cover = combine(cover, box_mask(size, _EDGE, 0.0))
        return SwappedCrop(np.asarray(pixels, np.uint8), target, cover, matrix)


def _compose(second: NDArray[np.float64], first: NDArray[Any]) -> NDArray[np.float64]:
    """The affine map that applies ``first`` and then ``second``."""
    return np.column_stack(
        [second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]]
    )
