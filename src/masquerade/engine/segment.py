"""One segment of a film, swapped as it is in the whole film, in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import CancelledError, InputError
from masquerade.engine.approach import Approach
from masquerade.engine.label_watch import LabelWatch
from masquerade.engine.scout import scouted_for
from masquerade.engine.seam import Entry, Seams
from masquerade.pipeline.meter import Progress
from masquerade.pipeline.report import Tally

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.frame import FrameJob
    from masquerade.core.protocols import Sink, Source, Stage
    from masquerade.engine.engine import Engine
    from masquerade.media.encoders import VideoOptions
    from masquerade.media.limits import MediaLimits
    from masquerade.media.segments import SegmentPlan
    from masquerade.pipeline.line import Line
    from masquerade.pipeline.report import Report

__all__ = ["SegmentReport", "run_segment", "swap_segment"]


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What was done to one segment. The run-up counts for time alone.

    Attributes:
        index: of the segment.
        counts: frames and faces, as ``Tally.counts`` names them, of the written frames.
        faces_found: faces that were followed on them, whoever they belong to.
        run_up_frames: frames that were worked on and not written.
        seconds: time the work took.
        encoder: name of the video encoder.
        warnings: what went wrong without stopping the work.
        content: what the content check has said of the frames.
        insists: whether it was strict at the end, since somebody looks under 18.
        seams: who is where at the borders.
        size_bytes, sha256: of the file.
    """

    index: int
    counts: dict[str, int]
    faces_found: int
    run_up_frames: int
    seconds: float
    encoder: str | None
    warnings: tuple[str, ...]
    content: Mapping[str, Any]
    insists: bool
    seams: Seams
    size_bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        plain = asdict(self) | {"seams": self.seams.as_dict(), "content": dict(self.content)}
        return {**plain, "warnings": list(self.warnings), "seconds": round(self.seconds, 3)}


def swap_segment(
    plan: SegmentPlan,
    index: int,
    engine: Engine,
    output: str | Path,
    *,
    film: str | Path,
    entry: Entry | None = None,
    options: VideoOptions | None = None,
    disclosure: Disclosure | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    limits: MediaLimits | None = None,
) -> SegmentReport:
    """Find and swap the faces of one segment and write its picture.

    The same segment gives the same bytes, whoever made it and how often, on the same device with
    the same settings.

    Args:
        plan: the film and its segments, scouted.
        index: which one.
        engine: with the settings, donors and references that the film was scouted for.
        output: where to write, with the extension that ``SegmentSink.suffix`` says; what is there
            is replaced. It appears whole or not at all.
        film: what the joined film will be called.
        entry: who is who where the segment begins, see :func:`disagreeing`.
        options: encoder, quality and preset; the same for all segments.
        disclosure: of the film; its ``mark`` is put into the pictures, all else when it is joined.
        progress: called now and then; frames that are written, of about those that there are.
        cancel: asked now and then; True ends the work.
        limits: the largest frame that is read.

    Raises:
        InputError: the film was changed, there is no such segment, or the plan was made for other
            settings.
        ContentError: the content check refuses the film.
        ConsentError: it shows a face that must not be used.
        OutputError: the file cannot be written.
        CancelledError: ``cancel`` said so, or Ctrl-C was pressed.
        MasqueradeError: a step failed for good.
    """
    from masquerade.media.cut_source import CutSource
    from masquerade.media.segment_sink import SegmentSink

    plan.check()
    _check(plan, index, engine, entry)
    segment, cut = plan.segments[index], len(plan.segments) > 1
    with CutSource(plan, _stretches(plan, index, entry) if cut else None, limits=limits) as source:
        sink = SegmentSink(
            output,
            source,
            options,
            film=film,
            start_pts=segment.start_pts - plan.shift_pts if cut else 0,
            run_up=cut,
            name=plan.name_of(index),
            disclosure=disclosure,
        )
        report, count, seams = run_segment(
            engine, source, sink, plan, index, entry, watched(progress, cancel)
        )
    size_bytes, sha256 = _measured(Path(output))
    return SegmentReport(
        index=index,
        counts=count.counts(),
        faces_found=count.faces_found,
        run_up_frames=report.frames - count.frames,
        seconds=report.seconds,
        encoder=report.encoder,
        warnings=report.warnings,
        content=engine.content,
        insists=engine.insists_on_content,
        seams=seams,
        size_bytes=size_bytes,
        sha256=sha256,
    )


def run_segment(
    engine: Engine,
    source: Source,
    sink: Sink,
    plan: SegmentPlan,
    index: int,
    entry: Entry | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Report, Tally, Seams]:
    """Run a segment's frames, the run-up too, through the engine's stages to any sink.

    Args:
        engine: see :func:`swap_segment`.
        source: gives the frames.
        sink: takes them, the run-up too.
        plan, index, entry: see :func:`swap_segment`.
        progress: see :func:`swap_segment`.

    Returns:
        The report of all frames, the counts of those behind the run-up, and the seams.

    Raises:
        MasqueradeError: as :func:`swap_segment`.
    """
    segment = plan.segments[index]
    start = segment.start_pts - plan.shift_pts if len(plan.segments) > 1 else None
    count = _Count(start, engine.settings.on_lost == "pass")
    ends: list[tuple[Approach, LabelWatch]] = []

    def adapt(line: Line) -> Line:
        first, *middle, last = line.sections
        approach = Approach(first, plan, index, source.info.rate, entry)
        label = LabelWatch(last, start)
        ends.append((approach, label))
        return line.with_sections([approach, *middle, label, count])

    def show(now: Progress) -> None:
        if progress is not None:
            progress(replace(now, done=count.tally.frames, total=None))

    report = engine.run(source, sink, show, allow_no_face=True, adapt=adapt)
    ((approach, label),) = ends
    return report, count.tally, label.added_to(approach.seams())


def watched(
    progress: Callable[[Progress], None] | None, cancel: Callable[[], bool] | None
) -> Callable[[Progress], None]:
    """A progress callback that ends the work when it is cancelled."""

    def show(now: Progress) -> None:
        if cancel is not None and cancel():
            raise CancelledError("The segment was stopped; nothing was written.")
        if progress is not None:
            progress(now)

    return show


def _check(plan: SegmentPlan, index: int, engine: Engine, entry: Entry | None) -> None:
    if not 0 <= index < len(plan.segments):
        raise InputError(f"There is no segment {index}; the film has {len(plan.segments)}.")
    if len(plan.segments) > 1 and plan.scouted_for != scouted_for(engine):
        raise InputError(
            "The segments were planned for other settings, donors or people; begin the job anew."
        )
    if entry is not None and not plan.segments[index].run_up:
        raise InputError(f"Nobody can be told of before segment {index}, where a scene begins.")


def _stretches(plan: SegmentPlan, index: int, entry: Entry | None) -> tuple[Any, ...]:
    segment = plan.segments[index]
    if entry is not None:
        segment = replace(segment, run_up=entry.run_up(segment))
    return segment.stretches


def _measured(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file that has just been written."""
    from masquerade.media.output_file import output_error

    size, digest = 0, hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                size += len(block)
                digest.update(block)
    except OSError as error:
        raise output_error(error, path) from error
    return size, digest.hexdigest()


class _Count:
    """The last section: counts what became of the faces of the frames behind the run-up."""

    name = "count"
    stages: tuple[Stage, ...] = ()

    def __init__(self, start_pts: int | None, passes: bool) -> None:
        self._start = start_pts
        self.tally = Tally(lambda: passes)

    def advance(self, job: FrameJob) -> None:
        """Count one frame."""
        if self._start is None or (job.frame.pts or 0) >= self._start:
            self.tally.add(job)

    def reset(self) -> None:
        """There is nothing to forget: it is made for one segment."""
