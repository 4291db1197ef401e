"""``masquerade farm retry``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.own_store import change_jobs, open_store
from masquerade.apps.farm.work_folder import WorkFolder

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.apps.jobs.job import Job
    from masquerade.apps.jobs.store import JobStore

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Let jobs wait again; they go on with what is finished of them, unless ``--fresh``."""
    with open_store() as store:
        jobs = change_jobs(
            store,
            args.jobs,
            ("failed", "cancelled"),
            lambda job: _retry(store, job, fresh=args.fresh),
            everything=args.all,
        )
    for job in jobs:
        console.say(f"{job.id[:8]}  {job.spec.name}: waits again")
    if not jobs:
        console.say("No job of the farm has failed or was cancelled.")
    return {"jobs": [job.id for job in jobs]}


def _retry(store: JobStore, job: Job, *, fresh: bool) -> Job:
    if not fresh:
        return store.retry(job.id)
    # Emptied while the job is nobody's: afterwards a driver may have it at once.
    if job.state in ("failed", "cancelled") and job.worker is None:
        Journal(store).forget(job.id)
        WorkFolder.of(job.spec.output, job.id).remove()
    return store.retry(job.id)
