"""What two segments of one take say of the border between them, and whether they agree.

Each segment notes who is there on three frames: on the last one before it, on the last of its own,
and on the one on which the run-up of the next begins. Of two segments that were worked on apart
the earlier one is right. Where the later one has chosen other people, draws one of them with the
looks of other first frames, or has its label elsewhere, it is done anew, and told who is who.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import InputError
from masquerade.geometry.boxes import pair_boxes
from masquerade.media.segments import Stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.segments import Segment

__all__ = ["Entry", "Seams", "Seen", "disagreeing"]

Box = tuple[float, float, float, float]

_MOST_FACES = 10_000
_LARGEST, _LATEST = 1e6, 2**62


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody on one frame.

    Attributes:
        person: a number; the same one in one segment is the same person.
        box: x0, y0, x1, y1, frame pixels.
        donor: who is drawn; None leaves the face alone.
        opening: the first frames on which the person is drawn; None if on none.
        opening_box: where the face is on the first of them.
    """

    person: int
    box: Box
    donor: str | None = None
    opening: Stretch | None = None
    opening_box: Box | None = None


@dataclass(frozen=True, slots=True)
class Seams:
    """What one segment says of its borders.

    Attributes:
        before: who is on the last frame before the segment; nobody where it has no run-up.
        after: who is on its last frame.
        entry: who is on the frame on which the last stretch of the next one's run-up begins.
        corners: number of the place of the label on its first frame and on its last one.
        stayed: frames since the label has moved there.
    """

    before: tuple[Seen, ...] = ()
    after: tuple[Seen, ...] = ()
    entry: tuple[Seen, ...] = ()
    corners: tuple[int, int] = (0, 0)
    stayed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def of_dict(cls, plain: Any) -> Seams:
        """What :meth:`as_dict` made; it may come from another machine.

        Raises:
            InputError: it is something else.
        """
        try:
            if set(plain) != {"before", "after", "entry", "corners", "stayed"}:
                raise ValueError("its fields")
            first, last = plain["corners"]
            return cls(
                before=_faces(plain["before"]),
                after=_faces(plain["after"]),
                entry=_faces(plain["entry"]),
                corners=(_whole(first, 100), _whole(last, 100)),
                stayed=_whole(plain["stayed"], _LATEST),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _damaged() from error


@dataclass(frozen=True, slots=True)
class Entry:
    """What a segment is told that is done anew.

    Attributes:
        faces: who is on the frame on which the last stretch of its run-up begins.
        corner, stayed: where the label stands on the segment's first frame.
    """

    faces: tuple[Seen, ...]
    corner: int
    stayed: int

    def to_json(self) -> str:
        """The same as text, for :meth:`from_json`."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """What :meth:`to_json` wrote.

        Raises:
            InputError: the text is something else.
        """
        try:
            plain = json.loads(text)
            if set(plain) != {"faces", "corner", "stayed"}:
                raise ValueError("its fields")
            corner, stayed = _whole(plain["corner"], 100), _whole(plain["stayed"], _LATEST)
            return cls(_faces(plain["faces"]), corner, stayed)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise _damaged() from error

    def run_up(self, segment: Segment) -> tuple[Stretch, ...]:
        """What the segment is to work on before its first frame: the first frames of everybody
        who is drawn, and its own lead-in."""
        lead_in = segment.run_up[-1]
        found: list[Stretch] = []
        openings = {face.opening for face in self.faces if face.opening is not None}
        for item in sorted(openings, key=lambda item: item.start_pts):
            end = min(item.end_pts or lead_in.start_pts, lead_in.start_pts)
            if found and item.start_pts <= (found[-1].end_pts or 0):
                found[-1] = Stretch(found[-1].start_pts, max(found[-1].end_pts or 0, end))
            elif item.start_pts < end:
                found.append(Stretch(item.start_pts, end))
        if found and found[-1].end_pts == lead_in.start_pts:
            return (*found[:-1], Stretch(found[-1].start_pts, lead_in.end_pts))
        return (*found, lead_in)


def disagreeing(
    segments: Sequence[Segment], seams: Sequence[Seams], told: Sequence[str] = ()
) -> Mapping[int, Entry]:
    """Which segments are to be done anew now, and what they are to be told.

    Where a segment has chosen other people, those behind it are looked at again when it is right.
    One that says something else though it was told is left as it is.

    Args:
        segments: all of the film's, in order.
        seams: of each.
        told: what each was told, see :meth:`Entry.to_json`; empty texts, or none, for nothing.
    """
    found: dict[int, Entry] = {}
    right: Seams | None = seams[0]
    for segment, own in zip(segments[1:], seams[1:], strict=True):
        if not segment.run_up:  # a scene begins: nothing goes on
            right = own
        elif right is not None:
            entry = Entry(right.entry, right.corners[1], right.stayed)
            border = _Border(right, own, segment.run_up[-1])
            if border.agrees or entry.to_json() in told[segment.index : segment.index + 1]:
                right = border.corrected()
            else:
                found[segment.index] = entry
                right = border.corrected() if border.same_people else None
    return found


class _Border:
    """What two segments say of the border between them.

    Args:
        right: the word of the earlier one, which holds.
        own: that of the later one.
        lead_in: the end of its run-up.

    Attributes:
        same_people: whether both draw the same people, and have the label at one place.
        agrees: whether these have the same first frames too.
    """

    def __init__(self, right: Seams, own: Seams, lead_in: Stretch) -> None:
        self._own = own
        one, two = right.after, own.before
        pairs = [(one[a], two[b]) for a, b in pair_boxes(_boxes(one), _boxes(two))]
        self._truth = {other.person: true for true, other in pairs}
        drawn = sum(face.donor is not None for face in (*one, *two))
        self.same_people = (
            right.corners[1] == own.corners[0]
            and drawn == 2 * sum(true.donor is not None for true, _ in pairs)
            and all(true.donor == other.donor for true, other in pairs)
        )
        self.agrees = self.same_people and all(
            _alike(true.opening, other.opening, lead_in) for true, other in pairs
        )

    def corrected(self) -> Seams:
        """The later one's word, but of those who came over the border what is right."""

        def turn(face: Seen) -> Seen:
            true = self._truth.get(face.person, face)
            return replace(
                face, donor=true.donor, opening=true.opening, opening_box=true.opening_box
            )

        after, entry = map(turn, self._own.after), map(turn, self._own.entry)
        return replace(self._own, after=tuple(after), entry=tuple(entry))


def _boxes(faces: Sequence[Seen]) -> NDArray[np.float32]:
    return np.array([face.box for face in faces], np.float32).reshape(-1, 4)


def _alike(one: Stretch | None, two: Stretch | None, lead_in: Stretch) -> bool:
    """Whether a face has the same first frames, but for the few that the run-up begins later."""
    if one is None or two is None:
        return one == two
    late = one.start_pts >= lead_in.start_pts and two.start_pts >= lead_in.start_pts
    length = (one.end_pts or one.start_pts) - one.start_pts
    return late or abs(one.start_pts - two.start_pts) <= length / 8


def _faces(plain: Any) -> tuple[Seen, ...]:
    if len(plain) > _MOST_FACES:
        raise ValueError("too many")
    return tuple(map(_face, plain))


def _face(plain: Any) -> Seen:
    if set(plain) != {"person", "box", "donor", "opening", "opening_box"}:
        raise ValueError("its fields")
    donor, opening, box = plain["donor"], plain["opening"], plain["opening_box"]
    if donor is not None and not (isinstance(donor, str) and len(donor) <= 500):
        raise ValueError("its donor")
    return Seen(
        person=_whole(plain["person"], 2**31),
        box=_box(plain["box"]),
        donor=donor,
        opening=None if opening is None else _stretch(opening),
        opening_box=None if box is None else _box(box),
    )


def _stretch(plain: Any) -> Stretch:
    start, end = _whole(plain["start_pts"], _LATEST), _whole(plain["end_pts"], _LATEST)
    if set(plain) != {"start_pts", "end_pts"} or start >= end:
        raise ValueError("its opening")
    return Stretch(start, end)


def _box(plain: Any) -> Box:
    x0, y0, x1, y1 = plain
    for value in (x0, y0, x1, y1):
        if type(value) not in (int, float) or not abs(value) <= _LARGEST:
            raise ValueError("its box")
    return float(x0), float(y0), float(x1), float(y1)


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not -most <= value <= most:
        raise ValueError("a number")
    return value


def _damaged() -> InputError:
    return InputError(
        "What a segment says of its borders is damaged or of another version; begin the job anew."
    )
