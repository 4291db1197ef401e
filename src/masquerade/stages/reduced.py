"""The surroundings of one face at a smaller size, and the way back for what is drawn there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.frame import Patch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Reduced"]

_REACH = 0.6
"""What a swap may touch beyond the face's box, as a share of its sides."""
_ALIGN_PX = 4
"""Sides are whole multiples of this, so that halves and quarters of them are whole pixels."""


class Reduced:
    """A part of a frame, reduced without aliasing.

    Convention: pixel centres lie at whole numbers, so ``small = (large + 0.5) * share - 0.5``.

    Args:
        pixels: uint8 (H, W, 3) BGR, the whole frame.
        landmarks: float32 (N >= 468, 3) frame pixels.
        share: of the resolution, above 0, below 1.

    Attributes:
        pixels: uint8 (h, w, 3) BGR, the reduced part.
        landmarks: float32 (N, 3), pixels of the reduced part.
    """

    def __init__(
        self, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], share: float
    ) -> None:
        self._box = _part(landmarks, pixels.shape)
        x0, y0, x1, y1 = self._box
        self._size_wh = (max(1, round((x1 - x0) * share)), max(1, round((y1 - y0) * share)))
        # Above a half, four neighbours see every pixel, ten times as fast as by area.
        self._how = cv2.INTER_AREA if share <= 0.5 else cv2.INTER_LINEAR
        across = self._size_wh[0] / max(x1 - x0, 1)
        down = self._size_wh[1] / max(y1 - y0, 1)
        self.pixels = self.reduce(pixels)
        moved = landmarks.copy()
        moved[:, 0] = (landmarks[:, 0] - x0 + 0.5) * across - 0.5
        moved[:, 1] = (landmarks[:, 1] - y0 + 0.5) * down - 0.5
        moved[:, 2] *= share
        self.landmarks = moved

    def reduce(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The same part of another picture of the frame's size."""
        x0, y0, x1, y1 = self._box
        part = picture[y0:y1, x0:x1]
        if part.size == 0:
            return np.zeros((1, 1, 3), np.uint8)
        return np.asarray(cv2.resize(part, self._size_wh, interpolation=self._how), np.uint8)

    def enlarge(self, patch: Patch) -> Patch:
        """A patch of the reduced part as one of the frame: touches nothing where its mask is 0."""
        x0, y0, x1, y1 = self._box
        whole = np.zeros((*self._size_wh[::-1], 3), np.uint8)
        mask = np.zeros(self._size_wh[::-1], np.uint8)
        u0, v0, u1, v1 = patch.box
        whole[:] = self.pixels
        whole[v0:v1, u0:u1], mask[v0:v1, u0:u1] = patch.pixels, patch.mask
        size_wh = (x1 - x0, y1 - y0)
        large = cv2.resize(whole, size_wh, interpolation=cv2.INTER_CUBIC)
        # All or nothing, as what a patch touches fades into the frame by itself at its rim.
        covers = cv2.resize(mask, size_wh, interpolation=cv2.INTER_LINEAR)
        covers = cv2.threshold(covers, 127, 255, cv2.THRESH_BINARY)[1]
        return Patch(
            patch.track_id, self._box, np.asarray(large, np.uint8), np.asarray(covers, np.uint8)
        )


def _part(landmarks: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The face's surroundings within a frame, (x0, y0, x1, y1), half open, aligned."""
    low, high = landmarks[:468, :2].min(axis=0), landmarks[:468, :2].max(axis=0)
    reach = _REACH * (high - low) + _ALIGN_PX
    limit = np.array(shape[1::-1])
    first = np.floor(np.clip(low - reach, 0, limit) / _ALIGN_PX).astype(int) * _ALIGN_PX
    last = np.ceil(np.clip(high + reach, 0, limit) / _ALIGN_PX).astype(int) * _ALIGN_PX
    last = np.minimum(last, limit)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])
