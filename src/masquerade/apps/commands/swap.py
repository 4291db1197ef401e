"""``masquerade swap``: the main job."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.arguments import settings_changes
from masquerade.apps.console import Console
from masquerade.apps.donors import Donors, load_donors
from masquerade.apps.limit_arguments import limits_from
from masquerade.apps.network_arguments import execution_from
from masquerade.apps.picture_stream import Found, read_ahead, swap_still
from masquerade.apps.plan import Plan, Work, make_plan
from masquerade.apps.run_reports import RunReports
from masquerade.apps.sinks import closing_down
from masquerade.apps.table import table
from masquerade.core.errors import CancelledError, MasqueradeError, RuntimeSetupError
from masquerade.core.settings import Settings
from masquerade.engine import Engine, Report
from masquerade.engine.asked import check_models
from masquerade.engine.asked_providers import check_providers
from masquerade.engine.origin import state_origin
from masquerade.media.file import VideoOptions
from masquerade.media.limits import MediaLimits
from masquerade.media.open import open_sink, open_source
from masquerade.trust.report import Errand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from masquerade.core.disclosure import Disclosure
    from masquerade.media.picture import Picture

__all__ = ["SOME_FAILED", "run"]

SOME_FAILED = 9
"""Exit code of a batch of which some files could not be swapped."""


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Swap one target or a batch of them."""
    settings = Settings().replace(**settings_changes(args))
    execution = execution_from(args)
    check_models(settings)
    check_providers(execution)
    options = _video_options(args)
    limits = limits_from(args)
    plan = make_plan(args.target, args.output)
    if not plan.is_batch:
        plan.works[0].check(limits, encoder=options.encoder, overwrite=args.overwrite)
    reports = RunReports(args.report, plan, overwrite=args.overwrite)
    donors = load_donors(args, limits, console)
    with Engine(
        donors.identities,
        settings,
        execution=execution,
        references=donors.references or None,
        guardian=args.guardian or donors.guardians,
    ) as engine:
        swapper = _Swapper(engine, donors, options, limits, reports, args, console)
        return swapper.batch(plan) if plan.is_batch else swapper.single(plan)


def _video_options(args: argparse.Namespace) -> VideoOptions:
    given = {
        "encoder": args.video_encoder,
        "quality": args.video_quality,
        "preset": args.video_preset,
        "fps": args.fps,
        "start_s": args.trim_start,
        "end_s": args.trim_end,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return VideoOptions(no_audio=args.no_audio, **chosen)


@dataclass
class _Swapper:
    """Does the work of one command with one engine."""

    engine: Engine
    donors: Donors
    options: VideoOptions
    limits: MediaLimits
    reports: RunReports
    args: argparse.Namespace
    console: Console

    def single(self, plan: Plan) -> dict[str, Any]:
        ((work, found),) = self._read(plan)
        report = self._swap(work, found)
        self.console.say(f"Wrote {work.output}: {_in_words(report)}.")
        return {"files": [_done(work, report)]}

    def batch(self, plan: Plan) -> dict[str, Any]:
        """Do what can be done; a file that cannot is listed with its reason."""
        files = []
        for number, (work, found) in enumerate(self._read(plan), 1):
            self.console.note(f"[{number}/{len(plan.works)}] {work.target}")
            try:
                files.append(_done(work, self._swap(work, found)))
            except (RuntimeSetupError, CancelledError):
                raise  # the other files would meet it too
            except MasqueradeError as error:
                files.append(_failed(work, error))
        errors = [file["error"] for file in files if not file["ok"]]
        self.console.say(table(("target", "frames", "faces", "fps", "result"), _rows(files)))
        for reason in errors:
            self.console.say(f"Not written: {reason}")
        written = len(files) - len(errors)
        self.console.say(f"{written} of {len(files)} files written to {self.args.output}.")
        return {"files": files, "exit_code": SOME_FAILED if errors else 0}

    def _read(self, plan: Plan) -> Iterator[tuple[Work, Found]]:
        return read_ahead(plan.works, self._check, self.limits)

    def _check(self, work: Work) -> None:
        work.check(
            self.limits,
            encoder=self.options.encoder,
            overwrite=self.args.overwrite,
            inputs=self.donors.files,
        )

    def _swap(self, work: Work, found: Found) -> Report:
        if isinstance(found, MasqueradeError):
            raise found
        report = self._stream(work) if found is None else self._still(work, found)
        self.reports.write(work, self.engine, self._errand(work))
        for warning in report.warnings:
            self.console.note(f"{work.target}: {warning}")
        if self.args.debug and report.strategy:
            self.console.note(f"{work.target}: chosen by the free memory: {report.strategy}")
        return report

    def _still(self, work: Work, picture: Picture) -> Report:
        return swap_still(
            self.engine,
            work,
            picture,
            lambda touched: self._disclosure(work, touched=touched),
            allow_no_face=self.args.allow_no_face,
            overwrite=self.args.overwrite,
        )

    def _stream(self, work: Work) -> Report:
        with (
            open_source(work.target, self.options, limits=self.limits) as source,
            self.console.progress(work.target.name) as show,
        ):
            sink = open_sink(
                work.output,
                source,
                self.options,
                disclosure=self._disclosure(work, source.info.size_wh),
                overwrite=self.args.overwrite,
                limits=self.limits,
            )
            with closing_down(sink):
                return self.engine.run(source, sink, show, allow_no_face=self.args.allow_no_face)

    def _disclosure(
        self, work: Work, size_wh: tuple[int, int] | None = None, *, touched: bool = True
    ) -> Disclosure:
        """A new statement for each file, since each has an identifier of its own."""
        return state_origin(
            self.engine,
            errand=self._errand(work),
            consents=self.donors.consents,
            size_wh=size_wh,
            touched=touched,
        )

    def _errand(self, work: Work) -> Errand:
        args, donors = self.args, self.donors
        references = {
            name: item if isinstance(item, int) else Path(item)
            for name, item in donors.references.items()
        }
        options = {
            "video": dataclasses.asdict(self.options),
            "source_face": args.source_face,
            "allow_no_face": args.allow_no_face,
        }
        return Errand(
            target=work.target, donors=donors.photos, references=references, options=options
        )


def _done(work: Work, report: Report) -> dict[str, Any]:
    names = {"target": str(work.target), "output": str(work.output)}
    return {"ok": True, **names, "report": report.as_dict()}


def _failed(work: Work, error: MasqueradeError) -> dict[str, Any]:
    return {
        "ok": False,
        "target": str(work.target),
        "kind": type(error).__name__,
        "error": str(error),
        "exit_code": error.exit_code,
    }


def _in_words(report: Report) -> str:
    faces = f"{report.faces_swapped} face" + ("" if report.faces_swapped == 1 else "s") + " swapped"
    if report.faces_concealed:
        faces += f" and {report.faces_concealed} hidden"
    if report.faces_passed:
        faces += f", {report.faces_passed} left as they are"
    if report.frames == 1:
        return f"{faces} in {report.seconds:.1f} s"
    return f"{faces} on {report.frames} frames in {report.seconds:.1f} s ({report.fps:.0f} fps)"


def _rows(files: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for file in files:
        if file["ok"]:
            report = file["report"]
            counts = (str(report["frames"]), str(report["faces_swapped"]), f"{report['fps']:.0f}")
            rows.append((file["target"], *counts, file["output"]))
        else:
            rows.append((file["target"], "", "", "", "not written"))
    return rows
