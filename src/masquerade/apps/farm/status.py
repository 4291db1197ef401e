"""``masquerade farm status``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from masquerade.apps.console import clock_time
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.own_store import find_job, job_facts, open_store
from masquerade.apps.jobs.job import STATES
from masquerade.apps.table import table

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.apps.jobs.job import Job
    from masquerade.apps.jobs.store import JobStore

__all__ = ["run"]

_HEADER = ("job", "state", "priority", "done", "fps", "left", "target")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Show the jobs, the newest first, or one in detail."""
    with open_store() as store:
        if args.job:
            return _one(store, find_job(store, args.job), console)
        jobs = store.newest(args.limit, lane="farm")
    console.say(show(jobs))
    return {"jobs": [job_facts(job) for job in jobs]}


def show(jobs: Sequence[Job]) -> str:
    """The jobs as a table, and how many are in each state."""
    if not jobs:
        return "The farm has no jobs; submit some with: masquerade farm submit FILE.toml"
    counts = Counter(job.state for job in jobs)
    words = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{table(_HEADER, [_row(job) for job in jobs])}\n{words}"


def _row(job: Job) -> tuple[str, ...]:
    runs = job.state == "running"
    return (
        job.id[:8],
        job.state,
        str(job.priority),
        f"{job.progress:.0%}",
        f"{job.fps:.0f}" if runs and job.fps else "",
        clock_time(job.left_s) if runs and job.left_s is not None else "",
        job.spec.name,
    )


def _one(store: JobStore, job: Job, console: Console) -> dict[str, Any]:
    journal = Journal(store)
    begun = journal.begun_with(job.id) or {}
    pieces, finished = len(begun.get("frames") or ()), journal.count(job.id)
    lines = [
        ("job", job.id),
        ("state", job.state),
        ("target", str(job.spec.target)),
        ("output", str(job.spec.output)),
        ("donors", ", ".join(job.spec.donors)),
        ("done", f"{job.progress:.0%}" + (f", {finished} of {pieces} segments" if pieces else "")),
        ("worker", job.worker or ""),
        ("error", job.failure.message if job.failure else ""),
    ]
    console.say("\n".join(f"{name:<8}{text}" for name, text in lines if text))
    return {"job": job_facts(job), "segments": {"finished": finished, "all": pieces}}
