"""Where the label stands at the borders of a segment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from masquerade.engine.watched_section import WatchedSection
from masquerade.stages.disclose import Disclose

if TYPE_CHECKING:
    from masquerade.core.frame import FrameJob
    from masquerade.engine.seam import Seams
    from masquerade.pipeline.line import Section

__all__ = ["LabelWatch"]


class LabelWatch(WatchedSection):
    """The last section of a segment's line: the engine's own; notes where the label stands.

    Args:
        inner: that one.
        start_pts: time of the segment's first frame, as frames have it.
    """

    def __init__(self, inner: Section, start_pts: int | None) -> None:
        super().__init__(inner)
        self._start = start_pts
        self._corners: list[int] = []
        self._stayed = 0

    def advance(self, job: FrameJob) -> None:
        """Finish a frame."""
        self._inner.advance(job)
        if self._start is not None and (job.frame.pts or 0) < self._start:
            return
        for stage in self._inner.stages:
            if isinstance(stage, Disclose):
                standing = stage.standing
                self._corners = [*self._corners[:1], standing.corner]
                self._stayed = standing.stayed

    def added_to(self, seams: Seams) -> Seams:
        """The seams with where the label stood."""
        if not self._corners:
            return seams
        corners = self._corners[0], self._corners[-1]
        return replace(seams, corners=corners, stayed=self._stayed)
