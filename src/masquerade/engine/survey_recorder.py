"""The last section of a survey: writes down who is where, segment by segment.

A segment in the middle of a scene has to look as if its scene had been worked on from its
beginning. Who is where is written down and so is the same. What is left is what the swap remembers
of a face, and it comes about anew from the frames that it came from:

- the *opening*: a track's first frames, from which the swap takes the face's shape and how the
  network's eye leans on it, once and for all;
- the *lead-in*: the last frames before the segment, over which its running means settle.

Both are worked on and not written. The opening's length is chosen so that everything that is done
every n-th frame is done on the same frames as in the whole film. A segment that begins with a scene
needs neither.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from masquerade.engine.survey_record import FrameRecord, SurveyPart
from masquerade.media.cut_source import Stretch
from masquerade.stages.disclose import Disclose, Standing
from masquerade.stages.neutral import pose_of, turn_degrees

if TYPE_CHECKING:
    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.core.protocols import Stage
    from masquerade.media.segments import SegmentPlan

__all__ = ["Recorder"]

_PERIOD = 16
"""Frames after which everything that the swap does every n-th frame falls together again."""
_OPENING_WEIGHT, _FEWEST = 12.0, 16
"""How much is seen of a face until its shape is settled: a frontal frame counts 1, a profile next
to nothing (``stages/meshswap/shape.py``); and how many frames an opening has at least."""
_MOST = 80


@dataclass(frozen=True, slots=True)
class _Early:
    """A frame of an opening: its number and time, and the face where it is drawn on it."""

    seq: int
    pts: int
    face: Face | None


@dataclass(slots=True)
class _Opening:
    """The first frames of a track: those that show it, and what lies between."""

    frames: list[_Early] = field(default_factory=list)
    drawn: int = 0
    weight: float = 0.0
    needed: int | None = None

    def see(self, frame: _Early) -> None:
        """Take note of the next frame."""
        face = frame.face
        if face is not None and face.landmarks is not None:
            self.drawn += 1
            if self.needed is None:
                yaw = abs(turn_degrees(pose_of(face.landmarks))[0])
                self.weight += max(1.0 - yaw / 45.0, 0.05)
                done = self.weight >= _OPENING_WEIGHT and self.drawn >= _FEWEST
                self.needed = self.drawn if done else None
        if len(self.frames) < _MOST + _PERIOD:
            self.frames.append(frame)

    def first(self, drawn_before: int) -> list[_Early]:
        """As many of the first frames as are needed if the track was drawn so often before."""
        needed = min(self.needed or _MOST, _MOST)
        length = needed + (drawn_before - needed) % _PERIOD
        found: list[_Early] = []
        for frame in self.frames:
            if length <= 0:
                break
            found.append(frame)
            length -= frame.face is not None
        return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """A frame that may become lead-in, with how often each track was drawn before it."""

    seq: int
    record: FrameRecord
    drawn_before: dict[int, int]


class Recorder:
    """A section of a line that hands on every segment as soon as its last frame has come.

    Args:
        plan: how the film is cut.
        fingerprint: of the survey.
        label: follows where the label stands; draws nothing.
        lead_frames: before each segment.
        emit: takes each finished part.

    Attributes:
        faces_found, faces_selected: counted anew in every frame.
        scenes: times at which scenes begin, as the source gives them.
        tracks: of every track that was ever measured, the latest look at it.
    """

    name = "record"

    def __init__(
        self,
        plan: SegmentPlan,
        fingerprint: str,
        label: Disclose,
        lead_frames: int,
        emit: Callable[[SurveyPart], None],
    ) -> None:
        self._plan, self._fingerprint, self._label, self._emit = plan, fingerprint, label, emit
        self._index = -1
        self._scene = -1
        self._ring: deque[_Kept] = deque(maxlen=lead_frames + _PERIOD)
        self._openings: dict[int, _Opening] = {}
        self._records: list[FrameRecord] = []
        self._stretches: tuple[Stretch, ...] | None = None
        self._skip = self._seq = 0
        self._standing = Standing()
        self.faces_found = self.faces_selected = 0
        self.scenes: list[int] = []
        self.tracks: dict[int, Face] = {}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """None: what is recorded was found by the sections before."""
        return ()

    def reset(self) -> None:
        """There is nothing to forget: a recorder is made for one film."""

    def advance(self, job: FrameJob) -> None:
        """Write down one frame.

        Raises:
            OutputError: a part cannot be written.
        """
        pts = job.frame.pts or 0
        record = FrameRecord(pts, job.scene, tuple(job.faces), tuple(job.failures))
        if job.scene != self._scene:
            self._scene = job.scene
            self._ring.clear()
            self._openings.clear()
            self.scenes.append(pts)
        if self._begins(pts):
            self.finish()
            self._begin_segment(job.frame.seq)
        self._label.follow(job)
        self._records.append(record)
        drawn = {number: opening.drawn for number, opening in self._openings.items()}
        self._ring.append(_Kept(job.frame.seq, record, drawn))
        self._note(job.frame.seq, record)

    def finish(self) -> None:
        """Hand on the segment at hand, if there is one."""
        if self._index >= 0:
            self._emit(
                SurveyPart(
                    index=self._index,
                    fingerprint=self._fingerprint,
                    stretches=self._stretches,
                    skip=self._skip,
                    standing=self._standing,
                    seq=self._seq,
                    frames=tuple(self._records),
                )
            )

    def _begins(self, pts: int) -> bool:
        after = self._index + 1
        if after >= len(self._plan.segments):
            return False
        return after == 0 or pts >= self._plan.segments[after].start_pts - self._plan.shift_pts

    def _begin_segment(self, seq: int) -> None:
        self._index, self._seq = self._index + 1, seq
        segment = self._plan.segments[self._index]
        self._standing = self._label.standing
        before = self._before()
        self._records = [record for _, record in before]
        self._skip, self._stretches = len(before), None
        if len(self._plan.segments) > 1:
            runs, shift = _runs(before), self._plan.shift_pts
            begin = runs.pop()[0] + shift if runs else segment.start_pts  # the lead-in adjoins
            early = [Stretch(first + shift, last + shift + 1) for first, last in runs]
            self._stretches = (*early, Stretch(begin, segment.end_pts))

    def _before(self) -> list[tuple[int, FrameRecord]]:
        """The openings and the lead-in with the frames' numbers, in order of time."""
        ring = list(self._ring)
        if len(ring) < (self._ring.maxlen or 0):  # the scene has begun within it
            return [(kept.seq, kept.record) for kept in ring]
        lead = ring[_PERIOD:]
        if not lead:
            return []
        shown = {face.track_id for kept in lead for face in kept.record.faces if face.selected}
        drawn, scene = lead[0].drawn_before, self._scene
        early: dict[int, tuple[int, list[Face]]] = {}
        for number in sorted(shown & set(drawn)):
            for frame in self._openings[number].first(drawn[number]):
                if frame.seq < lead[0].seq:
                    _, faces = early.setdefault(frame.seq, (frame.pts, []))
                    faces += [] if frame.face is None else [frame.face]
        opening = [
            (seq, FrameRecord(pts, scene, tuple(faces)))
            for seq, (pts, faces) in sorted(early.items())
        ]
        return [*opening, *((kept.seq, kept.record) for kept in lead)]

    def _note(self, seq: int, record: FrameRecord) -> None:
        self.faces_found += len(record.faces)
        drawn = {}
        for face in record.faces:
            self.faces_selected += face.selected
            if face.attributes is not None:
                self.tracks[face.track_id] = face
            if face.selected and face.landmarks is not None and face.state != "lost":
                drawn[face.track_id] = face
                self._openings.setdefault(face.track_id, _Opening())
        for number, opening in self._openings.items():
            opening.see(_Early(seq, record.pts, drawn.get(number)))


def _runs(frames: Sequence[tuple[int, FrameRecord]]) -> list[tuple[int, int]]:
    """First and last time of every run of frames without a gap."""
    found: list[tuple[int, int]] = []
    last_seq = None
    for seq, record in frames:
        if last_seq is not None and seq == last_seq + 1:
            found[-1] = (found[-1][0], record.pts)
        else:
            found.append((record.pts, record.pts))
        last_seq = seq
    return found
