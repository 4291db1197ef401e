"""What a frame shows when nobody can say where its faces are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import OnLost

__all__ = ["Concealment"]

# Pixels left along the shorter side of a blurred frame: a face that fills it is 12 pixels high.
_BLUR_GRID_PX = 12


class Concealment:
    """Replaces the whole picture of a lost frame, so that no real face is ever emitted.

    Args:
        on_lost: ``hold`` shows the last good swapped picture, ``blur`` the frame itself beyond
            recognition, ``blank`` black.
        hold_frames: lost frames in a row for which ``hold`` holds before it blurs.
    """

    def __init__(self, on_lost: OnLost, hold_frames: int) -> None:
        self._on_lost = on_lost
        self._hold_frames = hold_frames
        self._good: NDArray[np.uint8] | None = None
        self._lost_in_a_row = 0

    def remember(self, job: FrameJob) -> None:
        """Take note of a frame that went well. Untouched frames belong to the source: not kept."""
        self._lost_in_a_row = 0
        if job.output is not job.frame.pixels:
            self._good = job.output

    def conceal(self, job: FrameJob) -> None:
        """Overwrite the job's whole output."""
        self._lost_in_a_row += 1
        picture = job.writable_output()
        held = self._held(picture.shape)
        if held is not None:
            picture[:] = held
        elif self._on_lost == "blank":
            picture[:] = 0
        else:
            picture[:] = _blurred(job.frame.pixels)

    def forget(self) -> None:
        """Start a new stream."""
        self._good = None
        self._lost_in_a_row = 0

    def _held(self, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        usable = self._on_lost == "hold" and self._lost_in_a_row <= self._hold_frames
        good = self._good if usable else None
        return good if good is not None and good.shape == shape else None


def _blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame as a grid of 12 cells along its shorter side (a quarter of a tiny one)."""
    height, width = pixels.shape[:2]
    scale = min(0.25, _BLUR_GRID_PX / min(height, width))
    grid_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, grid_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)
