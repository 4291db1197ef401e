"""The way into a segment: people are known again after a gap, and noted at the borders.

A segment in the middle of a take has to look as if the take had been worked on from its beginning.
So its run-up is: the take's first frames, from which the swap settles the shapes of faces once and
for all; a gap; and the last frames before the segment, over which tracks and running means settle.
After the gap everybody is searched anew, and gets the number back by which the swap remembers them:
by their looks, or by their places where those are told.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.frame import Change
from masquerade.engine.opening import Openings
from masquerade.engine.seam import Seams, Seen
from masquerade.engine.watched_section import WatchedSection
from masquerade.geometry.boxes import pair_boxes
from masquerade.media.segments import Stretch
from masquerade.stages.disclose import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.engine.seam import Box, Entry
    from masquerade.media.segments import SegmentPlan
    from masquerade.pipeline.line import Section

__all__ = ["Approach"]

_SAME_PERSON = 0.6
"""Cosine of two looks from which they are taken for one person, as in ``stages/track.py``."""
_NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)


class Approach(WatchedSection):
    """The first section of a segment's line: the engine's own, which finds and chooses.

    Args:
        inner: that one.
        plan: how the film is cut.
        index: of the segment.
        rate: of the film, frames a second.
        entry: who is who, if that was told.
    """

    def __init__(
        self,
        inner: Section,
        plan: SegmentPlan,
        index: int,
        rate: Fraction | None,
        entry: Entry | None = None,
    ) -> None:
        super().__init__(inner)
        self._plan, self._segment = plan, plan.segments[index]
        self._rate = rate or Fraction(25)
        self._run_up = entry.run_up(self._segment) if entry else self._segment.run_up
        self._starts = [item.start_pts for item in self._run_up]
        self._place = 0
        self._entry = entry
        self._told = _told(entry, self._starts[-1]) if entry else {}
        numbers = [face.person for face in entry.faces] if entry else []
        self._first_number = max(numbers, default=-1) + 1
        after = plan.segments[index + 1 : index + 2]
        self._next_entry = after[0].run_up[-1].start_pts if after and after[0].run_up else None
        self._scene, self._begun = 0, False
        self._begin_take()
        self._before: Sequence[Face] = ()
        self._after: Sequence[Face] = ()
        self._at_entry: Sequence[Face] = ()

    def advance(self, job: FrameJob) -> None:
        """Find, follow and choose the faces of a frame, under the people's numbers.

        Raises:
            ContentError: the content check refuses the film.
            ConsentError: it shows a face that must not be used.
        """
        at = (job.frame.pts or 0) + self._plan.shift_pts
        self._set_up(job, at)
        told = self._now_told(at)
        self._inner.advance(job)
        if job.scene != self._scene:
            self._scene = job.scene
            self._begin_take()
        self._bind(job.faces, told)
        job.faces = [self._under_its_number(face) for face in job.faces]
        self._note(at, job.faces)

    def seams(self) -> Seams:
        """What was noted at the borders, but for the label."""
        return Seams(
            before=tuple(self._seen(face) for face in self._before if face.state != "lost"),
            after=tuple(self._seen(face) for face in self._after if face.state != "lost"),
            entry=tuple(map(self._seen, self._at_entry)),
        )

    def _begin_take(self) -> None:
        self._numbers: dict[int, int] = {}
        self._looks: dict[int, NDArray[np.float32]] = {}
        self._away: dict[int, NDArray[np.float32]] = {}
        self._openings = Openings()

    # The way to the segment

    def _set_up(self, job: FrameJob, at: int) -> None:
        """Have the stages take up what a whole film would have brought them to."""
        turns: dict[str, Callable[[Any], Any]] = {}
        segment, first = self._segment, self._plan.segments[0].start_pts
        start_s = float((first - self._plan.shift_pts) * self._plan.base)
        if job.frame.seq == 0 and segment.index:
            turns |= {"strict": _resuming(self._searches_before())}
            turns |= {"disclose": _resuming(Standing(start_s))}
        if self._place < len(self._starts) and at >= self._starts[self._place]:
            if self._place:
                turns |= {"detect": _looking_anew, "track": _letting_go}
                self._away |= self._looks
                self._numbers.clear()
            self._place += 1
        if at >= segment.start_pts and not self._begun:
            self._begun = True
            if self._entry:
                where = (self._scene, job.frame.size_wh)
                standing = Standing(start_s, where, self._entry.corner, self._entry.stayed)
                turns |= {"disclose": _resuming(standing)}
        if turns:
            job.changes = (*job.changes, Change(turns))

    def _searches_before(self) -> int:
        """How often the strict mode would have searched by now, so that it goes on there."""
        plan, segment = self._plan, self._segment
        frame = plan.base * self._rate
        passed = round((segment.start_pts - plan.segments[0].start_pts) * frame)
        half = Fraction(1, 2)  # a stretch may end right behind its last frame
        lengths = [(item.end_pts or 0) - item.start_pts - half for item in self._run_up]
        return max(0, passed - sum(math.ceil(length * frame) for length in lengths))

    def _now_told(self, at: int) -> list[Seen]:
        """Who is where on this frame, as far as it was told; the selection is told too."""
        due = [pts for pts in self._told if pts <= at]
        told = [face for pts in due for face in self._told.pop(pts)]
        select: Any = next(stage for stage in self._inner.stages if stage.name == "select")
        if told:
            select.seat([(np.array(face.box, np.float32), face.donor) for face in told])
        return told

    # Who is who

    def _bind(self, faces: Sequence[Face], told: Sequence[Seen]) -> None:
        """Give faces that are new the numbers of whom they are."""
        new = [face for face in faces if face.track_id not in self._numbers]
        if told and new:
            boxes = np.array([face.box for face in told], np.float32)
            for place, face in pair_boxes(boxes, np.stack([item.bbox for item in new])):
                self._give(new[face], told[place].person)
        if not self._away:
            return
        likeness = [
            (float(face.attributes.embedding_unit @ looks), face.track_id, number)
            for face in new
            if face.attributes is not None and face.track_id not in self._numbers
            for number, looks in self._away.items()
        ]
        for cosine, track, number in sorted(likeness, reverse=True):
            if cosine < _SAME_PERSON:
                return
            if number in self._away and track not in self._numbers:
                self._numbers[track] = number
                del self._away[number]

    def _give(self, face: Face, number: int) -> None:
        self._numbers[face.track_id] = number
        self._away.pop(number, None)

    def _under_its_number(self, face: Face) -> Face:
        number = self._numbers.get(face.track_id, self._first_number + face.track_id)
        if face.attributes is not None:
            self._looks[number] = face.attributes.embedding_unit
        # The track's own face keeps the track's number: its next one is made from it.
        return face if number == face.track_id else replace(face, track_id=number)

    # What is noted

    def _note(self, at: int, faces: Sequence[Face]) -> None:
        self._openings.see(at, faces)
        if at < self._segment.start_pts:
            self._before = faces
            return
        self._after = faces
        if self._next_entry is not None and at >= self._next_entry:
            self._at_entry, self._next_entry = faces, None

    def _seen(self, face: Face) -> Seen:
        opening = self._openings.found.get(face.track_id)
        seen = Seen(
            person=face.track_id,
            box=_NOWHERE if face.state == "lost" else _box(face.bbox),
            donor=face.donor if face.selected else None,
        )
        if opening is None:
            return seen
        stretch = Stretch(opening.first_pts, opening.last_pts + 1)
        return replace(seen, opening=stretch, opening_box=_box(opening.box))


def _told(entry: Entry, lead_in_pts: int) -> dict[int, list[Seen]]:
    """By the time of a frame, who is where on it."""
    found: dict[int, list[Seen]] = {}
    for face in entry.faces:
        if face.opening is not None and face.opening_box is not None:
            at_first = replace(face, box=face.opening_box)
            found.setdefault(face.opening.start_pts, []).append(at_first)
        if face.box != _NOWHERE:
            found.setdefault(lead_in_pts, []).append(face)
    return dict(sorted(found.items()))


def _box(bbox: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (round(float(value), 2) for value in bbox)
    return x0, y0, x1, y1


def _resuming(state: Any) -> Callable[[Any], Any]:
    def turn(stage: Any) -> Any:
        stage.resume(state)
        return stage

    return turn


def _looking_anew(stage: Any) -> Any:
    stage.look_anew()
    return stage


def _letting_go(stage: Any) -> Any:
    stage.let_go()
    return stage
