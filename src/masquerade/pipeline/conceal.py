"""What a frame shows when nobody can say where its faces are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.frame_clock import FrameClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import OnLost, Settings

__all__ = ["Concealment"]

# Pixels left along the shorter side of a blurred frame: a face that fills it is 12 pixels high.
_BLUR_GRID_PX = 12
_SLACK_S = 1e-3


class Concealment:
    """Replaces the whole picture of a lost frame, so that no real face is ever emitted.

    Args:
        on_lost: ``hold`` shows the last good swapped picture, ``blur`` the frame itself beyond
            recognition, ``blank`` black; ``pass`` leaves the picture as it stands.
        hold_s: how old that picture may be, by the frames' own time; then ``hold`` blurs.
    """

    name = "conceal"

    def __init__(self, on_lost: OnLost, hold_s: float) -> None:
        self._on_lost = on_lost
        self._hold_s = hold_s
        self._clock = FrameClock()
        self._good: NDArray[np.uint8] | None = None
        self.reset()

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on: ``on_lost`` and ``hold_s`` are read."""
        self._on_lost, self._hold_s = settings.on_lost, settings.hold_s

    def process(self, job: FrameJob) -> FrameJob:
        """Overwrite the output of a lost frame; take note of one that went well."""
        now_s = self._clock.tick(job.frame)
        if job.lost:
            self._conceal(job, now_s)
        elif job.output is not job.frame.pixels:
            # Untouched frames belong to the source, and may show anybody: they are not kept.
            self._good, self._good_at_s = job.output, now_s
        return job

    def forget(self) -> None:
        """Never show again what was good until now: another donor is drawn from here on."""
        self._good = None

    def reset(self) -> None:
        """Start a new stream."""
        self._clock.reset()
        self._good = None
        self._good_at_s = 0.0

    def _conceal(self, job: FrameJob, now_s: float) -> None:
        if self._on_lost == "pass":
            return
        picture = job.writable_output()
        held = self._held(picture.shape, now_s)
        if held is not None:
            picture[:] = held
        elif self._on_lost == "blank":
            picture[:] = 0
        else:
            picture[:] = _blurred(job.frame.pixels)

    def _held(self, shape: tuple[int, ...], now_s: float) -> NDArray[np.uint8] | None:
        fresh = now_s - self._good_at_s <= self._hold_s + _SLACK_S
        good = self._good if fresh and self._on_lost == "hold" else None
        return good if good is not None and good.shape == shape else None


def _blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The frame as a grid of 12 cells along its shorter side (a quarter of a tiny one)."""
    height, width = pixels.shape[:2]
    scale = min(0.25, _BLUR_GRID_PX / min(height, width))
    grid_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, grid_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)
