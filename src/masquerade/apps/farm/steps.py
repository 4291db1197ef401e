"""What a worker does: the steps of a job, the same on every machine."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.content import film_content
from masquerade.apps.farm.drawn_batch import DrawnBatch, draw_batch
from masquerade.apps.farm.picture_batch import do_batch
from masquerade.apps.farm.pictures import PictureList
from masquerade.apps.farm.share import wants_device
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import WorkFolder
from masquerade.apps.jobs.job import JobSpec, execution_of, settings_of
from masquerade.apps.jobs.work import do_file, open_engine, statement_of
from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import NoFaceInTargetError
from masquerade.engine import Engine
from masquerade.engine.ledger import Ledger
from masquerade.engine.origin import picture_mark
from masquerade.engine.scout import scout
from masquerade.engine.seam import Entry
from masquerade.engine.segment import swap_segment
from masquerade.media.image import read_image
from masquerade.media.join import join_segments
from masquerade.media.limits import MediaLimits
from masquerade.media.open import check_output, open_target
from masquerade.media.segment_sink import SegmentSink
from masquerade.media.segments import SegmentPlan
from masquerade.pipeline.meter import Progress
from masquerade.pipeline.report import Tally

if TYPE_CHECKING:
    from masquerade.trust.deny_list import LockedFace

__all__ = ["Steps"]

_Show = Callable[[Progress], None]


class Steps:
    """Does tasks one after the other, and keeps the latest job's engine for the next.

    Args:
        device: number of the device, in place of those that jobs name.
        memory_bytes: what the process may take, where a job sets no limit.
        locked: faces that must not be used, beside those that are locked on this installation.
    """

    def __init__(
        self,
        *,
        device: int | None = None,
        memory_bytes: int | None = None,
        locked: Sequence[LockedFace] = (),
    ) -> None:
        self._device, self._memory_bytes, self._locked = device, memory_bytes, tuple(locked)
        self._engine: Engine | None = None
        self._engine_of = ""

    def do(self, task: Task, show: _Show) -> dict[str, Any]:
        """Do a task; its files have their names when this returns.

        Args:
            task: what is to be done.
            show: called now and then with how far it is.

        Returns:
            Plain JSON. Of a segment ``bytes``, ``report`` and ``words``; of a batch of
            pictures ``bytes`` and ``report``; of the scouting ``plan`` and ``words``; of the
            last step the report of the job.

        Raises:
            MasqueradeError: it cannot be done.
        """
        match task.step:
            case "scout":
                return self._scout(task)
            case "segment":
                return self._segment(task, show)
            case "join":
                return self._join(task)
            case "pictures":
                return self._pictures(task, show)
            case "whole":
                return self._whole(task, show)

    def draw(self, task: Task, show: _Show, at: Callable[[int], None]) -> dict[str, Any]:
        """Draw a batch of pictures, which another machine signs when it does the task.

        Args:
            task: the batch.
            show: called now and then with how far it is.
            at: called with the place of each picture before it is drawn.

        Raises:
            MasqueradeError: it cannot be drawn.
        """
        folder, engine = WorkFolder(task.folder), self._engine_for(task)
        pictures = PictureList.from_json(folder.read(folder.pictures))
        draw_batch(
            engine,
            task.spec,
            pictures,
            task.number,
            folder,
            consents=task.consents,
            show=show,
            at=at,
        )
        return {}

    def _scout(self, task: Task) -> dict[str, Any]:
        plan = scout(_plan(task), self._engine_for(task))
        led_in = sum(bool(part.run_up) for part in plan.segments)
        words = f"{len(plan.segments)} segments, {led_in} of them begin within a take"
        return {"plan": plan.to_json(), "words": words}

    def _segment(self, task: Task, show: _Show) -> dict[str, Any]:
        folder, engine, spec = WorkFolder(task.folder), self._engine_for(task), task.spec
        options = spec.video_options()
        passing = folder.passing(f"{task.number:06d}{SegmentSink.suffix(options)}")
        mark = Disclosure(b"", mark=picture_mark(engine, spec.target))
        report = swap_segment(
            _plan(task),
            task.number,
            engine,
            passing,
            film=spec.output,
            entry=Entry.from_json(task.entry) if task.entry else None,
            options=options,
            disclosure=mark,
            progress=show,
        )
        item = folder.place(passing, task.number, report.as_dict() | {"entry": task.entry})
        frames = report.counts["frames"]
        words = f"{frames} frames in {report.seconds:.1f} s, {report.run_up_frames} before them"
        return {"bytes": item.size, "report": dict(item.report), "words": words}

    def _whole(self, task: Task, show: _Show) -> dict[str, Any]:
        engine, limits = self._engine_for(task), MediaLimits()
        video = {"encoder_threads": task.threads, **task.spec.video}
        spec = replace(task.spec, video=video)
        kind = open_target(spec.target, limits=limits)
        check_output(spec.output, kind)
        picture = read_image(spec.target, limits=limits) if kind == "image" else None

        def state(touched: bool) -> Disclosure:
            return statement_of(engine, task.spec, task.consents, touched=touched)

        return do_file(engine, spec, picture, state, show, limits).as_dict()

    def _pictures(self, task: Task, show: _Show) -> dict[str, Any]:
        folder, engine = WorkFolder(task.folder), self._engine_for(task)
        pictures = PictureList.from_json(folder.read(folder.pictures))
        consents, at = task.consents, functools.partial(folder.begin_at, task.number)
        drawn = DrawnBatch.find(folder, task.number, pictures)
        if drawn is not None:
            report = drawn.sign(engine, task.spec, pictures, consents)
        else:
            places = pictures.batches[task.number]
            report = do_batch(
                engine, task.spec, pictures, places, consents=consents, show=show, at=at
            )
        item = folder.end_batch(task.number, report)
        if drawn is not None:
            drawn.remove()
        return {"bytes": item.size, "report": report}

    def _join(self, task: Task) -> dict[str, Any]:
        folder, engine, spec = WorkFolder(task.folder), self._engine_for(task), task.spec
        plan, options = _plan(task), spec.video_options()
        suffix = SegmentSink.suffix(options)
        finished = folder.finished(suffix)
        reports = [item.report for _, item in sorted(finished.items())]
        tally, seconds = Tally(), sum(float(report["seconds"]) for report in reports)
        for report in reports:
            tally.absorb(report["counts"])
            tally.faces_found += int(report["faces_found"])
        if not tally.faces_selected and not spec.allow_no_face:
            raise _nobody(spec, tally)
        content = film_content(reports)
        engine.ledger.begin(tally, spent_s=seconds)
        with _stating(engine.ledger, content=content):
            notices = join_segments(
                plan,
                [folder.segment(number, suffix) for number in range(len(plan.segments))],
                spec.output,
                disclosure=statement_of(engine, spec, task.consents),
                overwrite=True,
                audio=not options.no_audio,
            )
        return _report(tally, reports, seconds, (*engine.advice, *engine.notices), notices)

    def _engine_for(self, task: Task) -> Engine:
        """The engine of the job's donors and settings; the latest one where they are the same."""
        spec = task.spec
        key = replace(spec, name="", target=Path(), output=Path()).to_json() + str(task.threads)
        if self._engine is None or key != self._engine_of:
            if self._engine is not None:
                self._engine.close()
                self._engine = None
            settings = settings_of(spec.settings).replace(threads=task.threads)
            execution = execution_of(spec.execution)
            changes: dict[str, Any] = {"threads": execution.threads or task.threads}
            if self._device is not None:
                changes["device_ids"] = (self._device,)
            if execution.max_memory_bytes is None:
                changes["max_memory_bytes"] = self._memory_bytes
            self._engine = open_engine(
                spec,
                task.consents,
                MediaLimits(),
                settings=settings,
                execution=replace(execution, **changes),
                locked=self._locked,
            )
            self._engine_of = key
            # One frame at a time, where a worker is to keep one core busy.
            alone = task.threads == 1 and not wants_device(spec)
            self._engine.frames_alive = 1 if alone else None
        return self._engine


def _plan(task: Task) -> SegmentPlan:
    folder = WorkFolder(task.folder)
    plan = SegmentPlan.from_json(folder.read(folder.plan))
    return replace(plan, path=str(task.spec.target))


@contextlib.contextmanager
def _stating(ledger: Ledger, **statements: Mapping[str, Any]) -> Iterator[None]:
    """State that of the output that is signed within the block, and not of later ones."""
    ledger.statements.update(statements)
    try:
        yield
    finally:
        for name in statements:
            del ledger.statements[name]


def _nobody(spec: JobSpec, tally: Tally) -> NoFaceInTargetError:
    seen = "shows faces, and none is to be swapped" if tally.faces_found else "shows no face"
    return NoFaceInTargetError(
        f"{spec.target} {seen}; choose another file, or allow it with allow_no_face."
    )


def _report(
    tally: Tally,
    reports: list[Mapping[str, Any]],
    seconds: float,
    advice: tuple[str, ...],
    notices: tuple[str, ...],
) -> dict[str, Any]:
    """As ``Report.as_dict`` says it of a film that was done in one go; times are added up."""
    warnings = [text for report in reports for text in report["warnings"]]
    return {
        **tally.counts(),
        "seconds": round(seconds, 3),
        "fps": round(tally.frames / seconds, 3) if seconds else 0.0,
        "timings_ms": {},
        "encoder": reports[0]["encoder"] if reports else None,
        "advice": list(advice),
        "warnings": list(dict.fromkeys([*warnings, *notices])),
        "models": [],
        "strategy": f"{len(reports)} segments",
    }
