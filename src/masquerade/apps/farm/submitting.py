"""``masquerade farm submit``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.console import clock_time
from masquerade.apps.farm.job_file import FarmJob, read_job_file
from masquerade.apps.farm.own_store import open_store
from masquerade.apps.farm.submission import make_specs
from masquerade.apps.table import table
from masquerade.core.errors import JobError

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.apps.farm.estimate import Estimate
    from masquerade.apps.jobs.job import JobSpec

__all__ = ["checked", "run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Put the jobs of a file into the store, or say what they would cost."""
    asked = read_job_file(Path(args.file))
    if args.dry_run:
        return _dry_run(asked, args, console)
    with open_store() as store:
        jobs = store.add_farm(checked(asked, console, args.overwrite))
    for job in jobs:
        console.say(f"{job.id[:8]}  {job.spec.target} -> {job.spec.output}")
    console.say(f"{len(jobs)} submitted; do them with: masquerade farm run")
    return {"jobs": [{"id": job.id, "target": str(job.spec.target)} for job in jobs]}


def checked(
    asked: Sequence[FarmJob], console: Console, overwrite: bool
) -> list[tuple[JobSpec, int]]:
    """What is to be done, each with its priority, after everything was looked at.

    Raises:
        MasqueradeError: the first job that cannot be done as it is asked for.
    """
    specs = make_specs(asked, overwrite=overwrite, note=console.note)
    return [(spec, job.priority) for job, spec in zip(asked, specs, strict=True)]


def _dry_run(
    asked: Sequence[FarmJob], args: argparse.Namespace, console: Console
) -> dict[str, Any]:
    from masquerade.apps.farm.estimate import estimate  # it opens an engine

    specs = make_specs(asked, overwrite=args.overwrite, make_folders=False, note=console.note)
    found = estimate(specs)
    console.say(table(("target", "frames", "pieces", "time", "space"), _rows(found)))
    console.say(
        f"Together about {clock_time(found.seconds)} with {found.workers} workers, "
        f"{_megabytes(found.output_bytes)} of outputs and up to {_megabytes(found.peak_bytes)} "
        f"while they are made; {_megabytes(found.free_bytes)} are free. Measured on "
        f"{found.measured_on}. Nothing was submitted."
    )
    if found.peak_bytes > found.free_bytes:
        raise JobError(
            f"The outputs need up to {_megabytes(found.peak_bytes)} and "
            f"{_megabytes(found.free_bytes)} are free; free some space or choose another disk."
        )
    return {"dry_run": True, **found.as_dict()}


def _rows(found: Estimate) -> list[tuple[str, ...]]:
    return [
        (
            item.target.name,
            str(item.frames),
            str(item.pieces),
            clock_time(item.seconds),
            _megabytes(item.output_bytes),
        )
        for item in found.items
    ]


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"
