"""Draws the whole finished picture with more detail; its size stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings

__all__ = ["EnhanceFrame"]


class EnhanceFrame:
    """Runs after everything that draws and hides faces, and before the label.

    Frames without a face are enhanced like all others, so that a film looks the same throughout.

    Args:
        enhance: takes and gives uint8 (H, W, 3) BGR; gives the same array where nothing was done.
        settings: ``enhancer_blend`` is read.
    """

    name = "enhance_frame"

    def __init__(
        self, enhance: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], settings: Settings
    ) -> None:
        self._enhance, self._settings = enhance, settings

    def process(self, job: FrameJob) -> FrameJob:
        """Enhance the job's output in place.

        Raises:
            MemoryBudgetError: not even the smallest tiles fit, and nothing else can be given up.
        """
        picture = job.writable_output()
        enhanced = self._enhance(picture)
        if enhanced is not picture:
            share = self._settings.enhancer_blend
            cv2.addWeighted(enhanced, share, picture, 1 - share, 0, dst=picture)
        return job

    def reset(self) -> None:
        """Nothing is remembered."""
