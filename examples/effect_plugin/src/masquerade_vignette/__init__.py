"""A vignette: the picture darkens away from the faces.

An effect is any class with ``apply``. It is called after the faces are drawn and before the label,
which stays on top of whatever is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_DARKEST = 0.35
_SMALL = 64


class Vignette:
    """Follows the faces' middle smoothly from frame to frame."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new stream begins."""
        self._middle: NDArray[np.float64] | None = None

    def apply(self, frame_bgr: NDArray[np.uint8], faces: Sequence[Any]) -> NDArray[np.uint8]:
        """Darken ``frame_bgr``, uint8 (H, W, 3), in place and return it."""
        height, width = frame_bgr.shape[:2]
        boxes = [face.bbox for face in faces] or [np.array([0, 0, width, height])]
        middle = np.mean([(box[:2] + box[2:]) / 2 for box in boxes], axis=0) / (width, height)
        if self._middle is None:
            self._middle = middle
        self._middle = self._middle + 0.1 * (middle - self._middle)
        axis = (np.arange(_SMALL) + 0.5) / _SMALL
        off = np.hypot(axis[None] - self._middle[0], axis[:, None] - self._middle[1])
        light = np.clip(1.25 - off, _DARKEST, 1).astype(np.float32)
        shade = cv2.resize(light, (width, height))[..., None].repeat(3, axis=2)
        cv2.multiply(frame_bgr, shade, frame_bgr, dtype=cv2.CV_8U)
        return frame_bgr
