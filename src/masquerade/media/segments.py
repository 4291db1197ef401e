"""Where a video can be cut into segments that are worked on apart and joined afterwards.

A segment begins at a key frame, so that it can be read without much of what is before it, and is
told by presentation times: it has every frame from ``start_pts`` on up to ``end_pts``. So frames of
an open group of pictures, which are stored behind the key frame and shown before it, belong to the
segment in which they are shown.

What has to be worked on before a segment, so that it looks as in the whole film, is its run-up;
whoever knows the film's scenes says which frames that is. A plan is a value: it can be written as
JSON, sent to another machine, and compared.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import InputError, SettingsError
from masquerade.media.containers import open_input, reading
from masquerade.media.encoders import VideoOptions
from masquerade.media.video_facts import find_video_stream
from masquerade.media.video_source import VideoSource

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from masquerade.media.limits import MediaLimits

__all__ = ["Segment", "SegmentPlan", "Stretch", "plan_segments"]

_EXACT = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
"""Containers with a time on every packet and an index to seek by."""
_SHORTEST_S, _LONGEST_S = 0.2, 86_400.0
_PROBES, _PROBE_BYTES = 64, 64 * 1024
_NO_PLAN = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
_FRACTION = re.compile(r"[0-9]{1,30}(/[0-9]{1,30})?")
"""Exponents are left out: a short text could stand for a number of millions of digits."""
_MOST_SEGMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames from ``start_pts`` on up to ``end_pts``, which is not one of them; None is the end.

    Times are the file's own, as in :class:`Segment`.
    """

    start_pts: int
    end_pts: int | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a film. Times are the file's own, in the plan's time base.

    Attributes:
        index: 0, 1, 2, ...
        start_pts: time of its first frame.
        end_pts: time of the first frame of the next one; None for the end of the film.
        run_up: what is worked on before it and not written, in order of time. The last stretch
            adjoins the segment; there is none where the segment begins with a scene.
    """

    index: int
    start_pts: int
    end_pts: int | None
    run_up: tuple[Stretch, ...] = ()

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All that is read for it, in order of time."""
        if not self.run_up:
            return (Stretch(self.start_pts, self.end_pts),)
        return (*self.run_up[:-1], Stretch(self.run_up[-1].start_pts, self.end_pts))


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """How a film is cut.

    Attributes:
        path: the file. Where another machine has it elsewhere: ``dataclasses.replace``.
        size_bytes: its size.
        digest: SHA-256 of samples of its content, hexadecimal: a file that was changed since has
            another one.
        time_base: seconds per unit of times, as "1/90000".
        shift_pts: what is taken off every time in the output.
        start_s, end_s, fps: as in :class:`VideoOptions`.
        segments: in order, without gaps.
        whole_because: why the film is one segment although it is long; empty else.
        scouted_for: tells the settings and people for which the run-ups were found; empty before.
    """

    path: str
    size_bytes: int
    digest: str
    time_base: str
    shift_pts: int
    start_s: float
    end_s: float | None
    fps: str | None
    segments: tuple[Segment, ...]
    whole_because: str = ""
    scouted_for: str = ""

    @property
    def base(self) -> Fraction:
        """Seconds per unit of times."""
        return Fraction(self.time_base)

    @property
    def rate(self) -> Fraction | None:
        """Frames per second that were asked for; None keeps those of the file."""
        return None if self.fps is None else Fraction(self.fps)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything in it but the path, hexadecimal."""
        plain = {**asdict(self), "path": ""}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def name_of(self, index: int) -> str:
        """What the file of a segment says of itself."""
        return f"{index} of {self.fingerprint}"

    def check(self) -> None:
        """See whether the file is still the one that was planned for; quick for large files too.

        Raises:
            InputError: it is missing, cannot be read, or was changed.
        """
        if _probe(Path(self.path)) != (self.size_bytes, self.digest):
            raise InputError(
                f"{self.path} was changed since its segments were planned; begin the job anew."
            )

    def to_json(self) -> str:
        """The plan as text, for :meth:`from_json`."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SegmentPlan:
        """What :meth:`to_json` wrote.

        Raises:
            InputError: the text is something else.
        """
        try:
            plain = json.loads(text)
            known = {item.name for item in fields(cls)}
            if set(plain) != known or len(plain["segments"]) > _MOST_SEGMENTS:
                raise ValueError("its fields")
            segments = tuple(map(_segment, plain.pop("segments")))
            plan = cls(**plain, segments=segments)
            _check(plan)
        except _NO_PLAN as error:
            raise _damaged() from error
        return plan


def _damaged() -> InputError:
    return InputError("The plan of segments is damaged or of another version; plan them anew.")


def _segment(plain: dict[str, Any]) -> Segment:
    run_up = tuple(Stretch(**item) for item in plain.pop("run_up"))
    return Segment(**plain, run_up=run_up)


def _check(plan: SegmentPlan) -> None:
    """Raise ValueError or TypeError where a plan makes no sense."""
    texts: list[Any] = [plan.path, plan.digest, plan.whole_because, plan.scouted_for]
    rates = [plan.time_base] if plan.fps is None else [plan.time_base, plan.fps]
    if not all(isinstance(text, str) for text in texts) or not all(map(_FRACTION.fullmatch, rates)):
        raise ValueError("its texts")
    numbers: list[Any] = [plan.size_bytes, plan.shift_pts]
    starts = [part.start_pts for part in plan.segments]
    ends = [part.end_pts for part in plan.segments]
    numbers += [*starts, *ends[:-1]]
    for part in plan.segments:
        ups = [pts for item in part.run_up for pts in (item.start_pts, item.end_pts)]
        numbers += ups
        if ups and (ups[-1] != part.start_pts or not _rises(ups)):
            raise ValueError("its run-ups")
    if not all(type(number) is int and abs(number) < 2**62 for number in numbers):
        raise ValueError("its numbers")
    if ends[:-1] != starts[1:] or starts != sorted(set(starts)):
        raise ValueError("its order")
    if [part.index for part in plan.segments] != list(range(len(starts))) or not starts:
        raise ValueError("its indices")
    if plan.base <= 0:
        raise ValueError("its time base")
    VideoOptions(start_s=plan.start_s, end_s=plan.end_s, fps=plan.rate)


def _rises(ups: list[int | None]) -> bool:
    """Whether stretches have frames and follow each other; TypeError where a time is None."""
    lengths = zip(ups[::2], ups[1::2], strict=True)
    gaps = itertools.pairwise(ups)
    return all(one < two for one, two in lengths) and all(one <= two for one, two in gaps)  # type: ignore[operator]


def plan_segments(
    path: str | Path,
    seconds: float = 180.0,
    *,
    options: VideoOptions | None = None,
    limits: MediaLimits | None = None,
) -> SegmentPlan:
    """Cut a film into segments of about equal length; next to nothing of it is read.

    Their number is even, so that two workers are busy to the end.

    A film whose packets have no times to seek by, that is interlaced, or whose frame rate is to be
    changed is one segment: frames at its borders would not be the same ones.

    Args:
        path: the file.
        seconds: what a segment is long at the most, but for the way to the next key frame.
        options: ``start_s``, ``end_s`` and ``fps`` are read.
        limits: the largest frame that is read.

    Raises:
        SettingsError: segments that are too short or too long.
        InputError: as for VideoSource.
    """
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise SettingsError(
            f"segments are {seconds:g} s long; give seconds from {_SHORTEST_S} to {_LONGEST_S:g}."
        )
    path, options = Path(path), options or VideoOptions()
    size_bytes, digest = _probe(path)
    rate = None if options.fps is None else Fraction(options.fps).limit_denominator(1001)
    with (
        VideoSource(path, start_s=options.start_s, end_s=options.end_s, limits=limits) as source,
        open_input(path) as container,
    ):
        stream = find_video_stream(container, path)
        why = _why_whole(source, container, rate)
        starts = [source.first_pts]
        if not why:
            with reading(path):
                starts += _borders(source, container, stream, seconds)
        ends = [*starts[1:], None]
        return SegmentPlan(
            path=str(path),
            size_bytes=size_bytes,
            digest=digest,
            time_base=str(source.time_base),
            shift_pts=round(source.shift_s / source.time_base),
            start_s=options.start_s,
            end_s=options.end_s,
            fps=None if rate is None else str(rate),
            segments=tuple(map(Segment, range(len(ends)), starts, ends)),
            whole_because=why,
        )


def _why_whole(source: VideoSource, container: InputContainer, rate: Fraction | None) -> str:
    if rate is not None:
        return "its frame rate is to be changed"
    if source.facts.interlaced:
        return "it is interlaced"
    if container.format.name not in _EXACT:
        return f"{container.format.name} cannot be sought in exactly"
    return ""


def _borders(
    source: VideoSource, container: InputContainer, stream: VideoStream, seconds: float
) -> list[int]:
    """Times of the key frames at which segments begin, but for the first one."""
    first, base, length_s = source.first_pts, source.time_base, source.info.duration_s
    if length_s is not None:
        count = math.ceil(length_s / seconds - 0.01)
        seconds = length_s / (count + count % 2 if count > 1 else 1)
    step = Fraction(seconds) / base
    end_s = source.file_end_s
    end = None if end_s is None else round(end_s / base)
    if length_s is not None and end is None:
        end = first + math.floor(Fraction(length_s) / base)
    found = list[int]()
    for number in range(1, _MOST_SEGMENTS):
        key = _key_frame_from(container, stream, first + round(number * step))
        if key is None or (end is not None and key + step / 4 >= end):
            return found
        if key > (found[-1] if found else first):
            found.append(key)
    return found


def _key_frame_from(container: InputContainer, stream: VideoStream, pts: int) -> int | None:
    """Time of the first key frame at or after a time; None where there is none."""
    container.seek(pts, stream=stream, backward=True)
    for packet in container.demux(stream):
        if packet.is_keyframe and packet.pts is not None and packet.pts >= pts:
            return int(packet.pts)
    return None


def _probe(path: Path) -> tuple[int, str]:
    """Size of a file, and a digest of evenly spaced samples of it."""
    with reading(path), path.open("rb") as file:
        size = path.stat().st_size
        digest = hashlib.sha256(str(size).encode())
        for number in range(_PROBES):
            file.seek((size - _PROBE_BYTES) * number // (_PROBES - 1) if size > _PROBE_BYTES else 0)
            digest.update(file.read(_PROBE_BYTES))
            if size <= _PROBE_BYTES:
                break
    return size, digest.hexdigest()
