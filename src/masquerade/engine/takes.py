"""Where a film's takes begin, found without decoding much of it.

Two key frames of one take look alike as a rule; where two neighbours do not, the frames between
them are looked at one by one, by the same measure as in a film that is swapped. A cut to another
take and back between two key frames is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.media.cut_source import CutSource
from masquerade.media.key_frames import key_frames
from masquerade.media.segments import SegmentPlan, Stretch
from masquerade.stages.scene_cut import SceneCut

if TYPE_CHECKING:
    from masquerade.media.limits import MediaLimits

__all__ = ["Takes"]

_MOST_TRIES = 4
"""Cuts near a border that are looked at before the border stays where it is."""
_FLAT_STD = 6.0


class Takes:
    """The takes of one film. Times are the file's own, as in a plan.

    Args:
        plan: tells the film.
        limits: the largest frame that is read.

    Raises:
        InputError: the film cannot be read.
    """

    def __init__(self, plan: SegmentPlan, limits: MediaLimits | None = None) -> None:
        self._plan, self._limits = plan, limits
        self._first = plan.segments[0].start_pts
        self._gaps: list[tuple[int, int]] = []
        """Between these key frames there seems to be a cut."""
        self._cuts: dict[tuple[int, int], list[int]] = {}
        self._glance()

    def start_near(self, pts: int, reach: int) -> int | None:
        """A key frame that begins a take, the nearest one to a time; None where none is in reach.

        Raises:
            InputError: the film cannot be read.
        """
        near = [gap for gap in self._gaps if abs(gap[1] - pts) <= reach]
        for gap in sorted(near, key=lambda gap: abs(gap[1] - pts))[:_MOST_TRIES]:
            if gap[1] in self._cuts_in(gap):
                return gap[1]
        return None

    def start_of(self, pts: int) -> int:
        """When the take begins that is shown at a time.

        Raises:
            InputError: the film cannot be read.
        """
        for gap in reversed([gap for gap in self._gaps if gap[0] < pts]):
            cuts = [cut for cut in self._cuts_in(gap) if cut <= pts]
            if cuts:
                return cuts[-1]
        return self._first

    def _glance(self) -> None:
        before = None
        for pts, picture in key_frames(self._plan):
            if picture.std() < _FLAT_STD:
                continue  # black or white: what comes after it is compared with what was before
            if before is not None:
                cut = SceneCut()
                cut(before[1])
                if cut(picture):
                    self._gaps.append((before[0], pts))
            before = pts, picture

    def _cuts_in(self, gap: tuple[int, int]) -> list[int]:
        if gap not in self._cuts:
            cut, shift = SceneCut(), self._plan.shift_pts
            with CutSource(
                self._plan, [Stretch(gap[0], gap[1] + 1)], limits=self._limits
            ) as source:
                times = [frame.pts for frame in source if cut(frame.pixels)]
            self._cuts[gap] = [pts + shift for pts in times if pts is not None]
        return self._cuts[gap]
