"""Stages that stand in for the real ones, with a set latency on a fake clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.frame import Patch

if TYPE_CHECKING:
    from masquerade.core.frame import FrameJob
    from masquerade.core.protocols import Stage
    from masquerade.testing.clock import FakeClock

__all__ = ["FailingStage", "NullSwap", "StandInStage"]


class StandInStage:
    """Runs a function on each job and lets a fake clock advance.

    Args:
        name: of the stage.
        action: what it does to the job; nothing by default.
        clock: advanced by ``latency_s`` per job, where given.
        latency_s: how long a job takes.

    Attributes:
        seen: ``seq`` of every job, in order.
        resets: how often it was reset.
    """

    def __init__(
        self,
        name: str = "stand_in",
        action: Callable[[FrameJob], None] | None = None,
        *,
        clock: FakeClock | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.name = name
        self.seen: list[int] = []
        self.resets = 0
        self._action = action
        self._clock = clock
        self._latency_s = latency_s

    def process(self, job: FrameJob) -> FrameJob:
        """Take the time, then act."""
        self.seen.append(job.frame.seq)
        if self._clock is not None:
            self._clock.advance(self._latency_s)
        if self._action is not None:
            self._action(job)
        return job

    def reset(self) -> None:
        """Count the reset; what was seen is kept."""
        self.resets += 1


class FailingStage:
    """Wraps a stage and raises instead of working, on chosen frames.

    Args:
        stage: does the work otherwise and gives the name.
        fails: says by ``seq`` whether a frame fails.
        error: what is raised.

    Attributes:
        stage: the one that is wrapped.
    """

    def __init__(
        self,
        stage: Stage,
        fails: Callable[[int], bool],
        error: Exception | None = None,
    ) -> None:
        self.stage = stage
        self._fails = fails
        self._error = error or RuntimeError("made to fail by a test")
        self.name = stage.name

    def process(self, job: FrameJob) -> FrameJob:
        """Raise or pass on."""
        if self._fails(job.frame.seq):
            raise self._error
        self.stage.process(job)
        return job

    def reset(self) -> None:
        """Pass on."""
        self.stage.reset()

    def __getattr__(self, name: str) -> Any:
        """What else the stage can do (change its settings, say) is passed on too."""
        return getattr(self.stage, name)


class NullSwap:
    """A swapper without a network: paints every selected face's box in one colour.

    Args:
        colour_bgr: of the patches.
    """

    name = "swap"

    def __init__(self, colour_bgr: tuple[int, int, int] = (160, 90, 200)) -> None:
        self._colour_bgr = colour_bgr

    def process(self, job: FrameJob) -> FrameJob:
        """Append a patch for every selected face that reaches into the frame."""
        width, height = job.frame.size_wh
        for face in job.faces:
            if not face.selected or face.state == "lost":
                continue
            x0, y0 = (int(max(value, 0)) for value in face.bbox[:2])
            x1, y1 = int(min(face.bbox[2], width)), int(min(face.bbox[3], height))
            if x1 > x0 and y1 > y0:
                pixels = np.full((y1 - y0, x1 - x0, 3), self._colour_bgr, np.uint8)
                mask = np.full((y1 - y0, x1 - x0), 255, np.uint8)
                job.patches.append(Patch(face.track_id, (x0, y0, x1, y1), pixels, mask))
        return job

    def reset(self) -> None:
        """Nothing is remembered."""
