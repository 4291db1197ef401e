"""What has to be known of a film before its segments can be worked on side by side.

Segments begin where a take does if there is such a place near by; then nothing goes on over the
border. In a long take they cannot, and each gets a run-up: the frames from which the take's first
faces get their shape, and the last ones before the segment. The film's key frames are glanced at,
and a moment of some takes is searched for faces; nothing is drawn.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from masquerade.core.errors import CancelledError
from masquerade.core.face import Attributes
from masquerade.core.lifetimes import Closing
from masquerade.engine.opening import Opening, Openings
from masquerade.engine.takes import Takes
from masquerade.media.cut_source import CutSource
from masquerade.media.segments import Segment, SegmentPlan, Stretch

if TYPE_CHECKING:
    from masquerade.core.frame import Frame, FrameJob
    from masquerade.core.protocols import Source, Stage
    from masquerade.core.settings import Settings
    from masquerade.engine.engine import Engine
    from masquerade.media.limits import MediaLimits
    from masquerade.pipeline.line import Line

__all__ = ["scout", "scouted_for"]

_LEAD_FRAMES = 24
"""Frames before a segment that are worked on and not written, so that running means settle."""
_HEADS_KEPT_S, _FOUND_FRAMES = 1.0, 12
_NOT_WORTH_A_GAP = 48
"""Frames that are rather worked on than left out."""
_REACH = Fraction(1, 4)
"""How far a border may be moved to a cut, by the length of a segment."""
_SEARCHED_S = 20
"""How much of a take is searched for its first face."""


def scout(
    plan: SegmentPlan,
    engine: Engine,
    *,
    cancel: Callable[[], bool] | None = None,
    limits: MediaLimits | None = None,
) -> SegmentPlan:
    """Move a plan's borders to cuts where there are some, and find the run-ups for the others.

    Args:
        plan: the film and its segments.
        engine: with the settings, donors and references of the swap.
        cancel: asked now and then; True ends the work.
        limits: the largest frame that is read.

    Raises:
        InputError: the film was changed since it was planned, or cannot be read.
        ContentError: the content check refuses what is seen of the film.
        ConsentError: it shows a face that must not be used.
        CancelledError: ``cancel`` said so, or Ctrl-C was pressed.
    """
    plan.check()
    if len(plan.segments) == 1:
        return plan
    return _Scout(plan, engine, cancel, limits).planned()


def scouted_for(engine: Engine) -> str:
    """What a scouted plan holds for, as SHA-256, hexadecimal; threads do not count."""
    settings = {**asdict(engine.settings), "threads": 0}
    plain = [settings, list(engine.identities), _references(engine.references)]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


class _Scout:
    """The scouting of one film."""

    def __init__(
        self,
        plan: SegmentPlan,
        engine: Engine,
        cancel: Callable[[], bool] | None,
        limits: MediaLimits | None,
    ) -> None:
        self._plan, self._engine, self._cancel, self._limits = plan, engine, cancel, limits
        self._takes = Takes(plan, limits)
        self._openings: dict[int, Stretch | None] = {}
        with CutSource(plan, None, limits=limits) as source:
            rate = source.info.rate or Fraction(25)
        self._frame = max(1, round(1 / (rate * plan.base)))
        self._lead = _lead_frames(engine.settings, rate) * self._frame

    def planned(self) -> SegmentPlan:
        starts = [part.start_pts for part in self._plan.segments]
        reach = round((starts[1] - starts[0]) * _REACH)
        cuts = {start: self._takes.start_near(start, reach) for start in starts[1:]}
        moved = {start: start if cut is None else cut for start, cut in cuts.items()}
        places = [starts[0], *sorted({*moved.values()} - {starts[0]})]
        at_cuts = {cut for cut in cuts.values() if cut is not None}
        segments = [
            Segment(
                index,
                start,
                places[index + 1] if index + 1 < len(places) else None,
                () if index == 0 or start in at_cuts else self._run_up(start),
            )
            for index, start in enumerate(places)
        ]
        return replace(self._plan, segments=tuple(segments), scouted_for=scouted_for(self._engine))

    def _run_up(self, start: int) -> tuple[Stretch, ...]:
        """What is worked on before a segment that begins within a take."""
        if self._cancel is not None and self._cancel():
            raise CancelledError("The scouting was stopped; nothing was written.")
        take, lead_in = self._takes.start_of(start), start - self._lead
        if take >= start:
            return ()
        if lead_in - take <= _NOT_WORTH_A_GAP * self._frame:
            return (Stretch(take, start),)
        if take not in self._openings:
            self._openings[take] = self._find_opening(take)
        opening = self._openings[take]
        if opening is None or opening.start_pts >= lead_in:
            return (Stretch(lead_in, start),)
        if (opening.end_pts or lead_in) >= lead_in:
            return (Stretch(opening.start_pts, start),)
        return (opening, Stretch(lead_in, start))

    def _find_opening(self, take: int) -> Stretch | None:
        """The frames from which the first faces of a take get their shape."""
        look = _Look(self._plan.shift_pts)

        def adapt(line: Line) -> Line:
            return line.with_sections([line.sections[0], look])

        stretch = Stretch(take, take + round(_SEARCHED_S / self._plan.base))
        with CutSource(self._plan, [stretch], limits=self._limits) as source:
            few = _Until(source, lambda: look.done)
            self._engine.run(few, _Nowhere(), allow_no_face=True, adapt=adapt)
        found = look.first
        if not found:
            return None
        return Stretch(
            min(item.first_pts for item in found), max(item.last_pts for item in found) + 1
        )


class _Look:
    """A section that watches for the first faces that are to be swapped."""

    name = "look"
    stages: tuple[Stage, ...] = ()

    def __init__(self, shift_pts: int) -> None:
        self._shift = shift_pts
        self._openings = Openings()
        self._frames = 0
        self.done = False

    @property
    def first(self) -> list[Opening]:
        """The openings of those who are there from the beginning."""
        found = list(self._openings.found.values())
        return [item for item in found if item.first_pts == found[0].first_pts]

    def advance(self, job: FrameJob) -> None:
        """Watch one frame."""
        if not self.done:
            self._openings.see((job.frame.pts or 0) + self._shift, job.faces)
            found = self.first
            self.done = bool(found) and all(item.settled for item in found)

    def reset(self) -> None:
        """There is nothing to forget: it is made for one take."""


class _Until(Closing):
    """A source that ends as soon as enough was seen."""

    def __init__(self, source: Source, done: Callable[[], bool]) -> None:
        self.info, self._source, self._done = source.info, source, done

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            if self._done():
                return
            yield frame

    def close(self) -> None:
        """Whoever opened the source closes it."""


class _Nowhere:
    """A sink for a pass that writes no frame."""

    def write(self, frame: Frame) -> None:
        """Nothing."""

    def commit(self) -> None:
        """Nothing."""

    def abort(self) -> None:
        """Nothing."""


def _lead_frames(settings: Settings, rate: Fraction) -> int:
    """As many as running means need, and as cover what is remembered for seconds: what was last
    drawn of a face that is lost, and in the strict mode heads that were seen once tracks held.
    """
    strict = math.ceil(_HEADS_KEPT_S * rate) + _FOUND_FRAMES if settings.strict else 0
    return max(_LEAD_FRAMES, math.ceil(settings.hold_s * rate) + 1, strict)


def _references(given: Mapping[str, Attributes | int]) -> dict[str, int | str]:
    return {
        name: hashlib.sha256(whom.embedding_unit.tobytes()).hexdigest()
        if isinstance(whom, Attributes)
        else whom
        for name, whom in given.items()
    }
