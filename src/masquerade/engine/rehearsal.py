"""A few frames of a bundled face, to warm stages up with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["rehearsal_frames"]

_FRAMES = 4


def rehearsal_frames(size_wh: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """Frames of that size, uint8 (H, W, 3) BGR, in which the face moves a little."""
    from masquerade.media.puppet import Portrait

    width, height = size_wh
    face = Portrait.bundled("astronaut").pixels
    scale = 0.9 * min(width / face.shape[1], height / face.shape[0])
    face = np.asarray(cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    for step in range(_FRAMES):
        frame = np.full((height, width, 3), 96, np.uint8)
        frame[step : step + face.shape[0], step : step + face.shape[1]] = face[
            : height - step, : width - step
        ]
        yield frame
