"""One segment of a film, swapped as it is in the whole film."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import InputError
from masquerade.core.frame import Change
from masquerade.engine.survey import Survey, survey_fingerprint, watched
from masquerade.engine.survey_part import read_part
from masquerade.engine.survey_record import SurveyPart
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

__all__ = ["SegmentReport", "swap_segment"]


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What was done to one segment. Lead-in counts for time alone.

    Attributes:
        index: of the segment.
        counts: frames and faces, as ``Tally.counts`` names them, of the written frames.
        lead_frames: frames that were worked on and not written.
        seconds: time the work took.
        encoder: name of the video encoder.
        warnings: what went wrong without stopping the work.
        size_bytes, sha256: of the file.
    """

    index: int
    counts: dict[str, int]
    lead_frames: int
    seconds: float
    encoder: str | None
    warnings: tuple[str, ...]
    size_bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "warnings": list(self.warnings), "seconds": round(self.seconds, 3)}


def swap_segment(
    plan: SegmentPlan,
    index: int,
    engine: Engine,
    survey: str | Path,
    output: str | Path,
    *,
    film: str | Path,
    options: VideoOptions | None = None,
    disclosure: Disclosure | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    limits: MediaLimits | None = None,
) -> SegmentReport:
    """Swap the faces of one segment and write its picture.

    The same segment gives the same bytes, whoever made it and how often, on the same device with
    the same settings.

    Args:
        plan: the film and its segments.
        index: which one.
        engine: with the settings, donors and references that the survey was made with.
        survey: its folder; of its files that of the segment is read.
        output: where to write, with the extension that ``SegmentSink.suffix`` says; what is there
            is replaced. It appears whole or not at all.
        film: what the joined film will be called.
        options: encoder, quality and preset; the same for all segments.
        disclosure: of the film; its ``mark`` is put into the pictures, all else when it is joined.
        progress: called now and then; frames that are written, of those that there are.
        cancel: asked now and then; True ends the work.
        limits: the largest frame that is read.

    Raises:
        InputError: the film was changed, there is no such segment, or the survey is damaged or was
            made with other settings.
        OutputError: the file cannot be written.
        CancelledError: ``cancel`` said so, or Ctrl-C was pressed.
        MasqueradeError: a step failed for good.
    """
    from masquerade.media.cut_source import CutSource
    from masquerade.media.segment_sink import SegmentSink

    plan.check()
    if not 0 <= index < len(plan.segments):
        raise InputError(f"There is no segment {index}; the film has {len(plan.segments)}.")
    part = _fitting(read_part(Survey.part_path(Path(survey), index)), plan, index, engine)
    start_pts = plan.segments[index].start_pts - plan.shift_pts if part.stretches else 0
    with CutSource(plan, part.stretches, frames=len(part.frames), limits=limits) as source:
        sink = SegmentSink(
            output,
            source,
            options,
            film=film,
            skip=part.skip,
            start_pts=start_pts,
            name=plan.name_of(index),
            disclosure=disclosure,
        )
        report, counts = run_segment(engine, source, sink, part, watched(progress, cancel))
    return _report(index, part, report, counts, Path(output))


def run_segment(
    engine: Engine,
    source: Source,
    sink: Sink,
    part: SurveyPart,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Report, dict[str, int]]:
    """Run a segment's frames, lead-in too, through the engine's stages to any sink.

    Returns:
        The report of all frames, and the counts of those behind the lead-in.

    Raises:
        MasqueradeError: as :func:`swap_segment`.
    """
    recall = _Recall(part)
    count = _Count(part.skip, engine.settings.on_lost == "pass")
    total = len(part.frames) - part.skip

    def adapt(line: Line) -> Line:
        return line.with_sections([recall, *line.sections[1:], count])

    def show(now: Progress) -> None:
        if progress is not None:
            progress(replace(now, done=max(0, now.done - part.skip), total=total))

    report = engine.run(source, sink, show, allow_no_face=True, adapt=adapt)
    return report, count.tally.counts()


def _fitting(part: SurveyPart, plan: SegmentPlan, index: int, engine: Engine) -> SurveyPart:
    if part.index != index or part.fingerprint != survey_fingerprint(plan, engine):
        raise InputError(
            "The survey was made with other settings, donors or segments; begin the job anew."
        )
    return part


def _report(
    index: int, part: SurveyPart, report: Report, counts: dict[str, int], output: Path
) -> SegmentReport:
    size_bytes, sha256 = _measured(output)
    return SegmentReport(
        index=index,
        counts=counts,
        lead_frames=part.skip,
        seconds=report.seconds,
        encoder=report.encoder,
        warnings=report.warnings,
        size_bytes=size_bytes,
        sha256=sha256,
    )


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


class _Recall:
    """The first section of a segment's line: gives each frame the faces that the survey found."""

    name = "recall"
    stages: tuple[Stage, ...] = ()

    def __init__(self, part: SurveyPart) -> None:
        self._part = part

    def advance(self, job: FrameJob) -> None:
        """Take the faces over.

        Raises:
            InputError: the film has other frames than when it was surveyed.
        """
        part, place = self._part, job.frame.seq
        if place >= len(part.frames) or part.frames[place].pts != job.frame.pts:
            raise InputError(
                "The film has other frames than when its people were found; begin the job anew."
            )
        record = part.frames[place]
        job.scene, job.faces = record.scene, list(record.faces)
        job.failures += record.failures
        turns = {}
        if place == 0:
            turns["strict"] = _resuming(part.seq - part.skip)
        if place == part.skip:
            turns["disclose"] = _resuming(part.standing)
        if turns:
            job.changes = (*job.changes, Change(turns))

    def reset(self) -> None:
        """There is nothing to forget: it is made for one segment."""


class _Count:
    """The last section: counts what became of the faces of the frames behind the lead-in."""

    name = "count"
    stages: tuple[Stage, ...] = ()

    def __init__(self, skip: int, passes: bool) -> None:
        self._skip = skip
        self.tally = Tally(lambda: passes)

    def advance(self, job: FrameJob) -> None:
        """Count one frame."""
        if job.frame.seq >= self._skip:
            self.tally.add(job)

    def reset(self) -> None:
        """There is nothing to forget: it is made for one segment."""


def _resuming(state: Any) -> Callable[[Stage], Stage]:
    def turn(stage: Any) -> Stage:
        stage.resume(state)
        found: Stage = stage
        return found

    return turn
