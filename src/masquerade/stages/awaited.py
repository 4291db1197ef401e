"""Waits for what an earlier stage has begun on a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.core.frame import FrameJob

__all__ = ["Awaited"]


class Awaited:
    """Finishes the drawing of a frame's faces, in a thread after that of the stage that began it.

    Meanwhile that stage has begun on the next frames, so that a device is never without work.
    """

    name = "draw"

    def process(self, job: FrameJob) -> FrameJob:
        """Append the patches of all faces whose drawing was begun.

        Raises:
            ModelError: the networks failed for all of them.
        """
        finish, job.drawing = job.drawing, None
        if finish is not None:
            finish(job)
        return job

    def reset(self) -> None:
        """Nothing is remembered."""
