"""The store of this user: the studio's, so that both show the same jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from masquerade.apps.jobs.job import Job, JobState
from masquerade.apps.jobs.store import JobStore
from masquerade.core.errors import JobError, MissingJobError, SettingsError
from masquerade.core.folders import data_folder

__all__ = ["change_jobs", "find_job", "job_facts", "open_store"]

_MOST = 2**31


def open_store() -> JobStore:
    """Open it.

    Raises:
        JobError: it is damaged or of a newer version.
        OutputError: it cannot be made or written.
    """
    return JobStore(data_folder() / "studio" / "jobs" / "jobs.sqlite")


def find_job(store: JobStore, beginning: str) -> Job:
    """The job whose id begins so.

    Raises:
        MissingJobError: there is none, or more than one.
    """
    found = [job for job in store.newest(_MOST, lane="farm") if job.id.startswith(beginning)]
    if not beginning or not found:
        raise MissingJobError(
            f"There is no job {beginning!r} of the farm; see `masquerade farm status`."
        )
    if len(found) > 1:
        raise MissingJobError(
            f"{len(found)} jobs begin with {beginning!r}; write more of the id's letters."
        )
    return found[0]


def change_jobs(
    store: JobStore,
    beginnings: Sequence[str],
    states: Sequence[JobState],
    change: Callable[[Job], Job],
    *,
    everything: bool,
) -> list[Job]:
    """Change the jobs that are named, or all that are in one of some states.

    Raises:
        SettingsError: neither or both were asked for.
        MissingJobError: one that is named is not there.
        JobError: one that is named cannot be changed so.
    """
    if bool(beginnings) == everything:
        raise SettingsError("Name the jobs, or give --all.")
    if not everything:
        return [change(job) for job in [find_job(store, word) for word in beginnings]]
    changed = []
    for job in store.newest(_MOST, lane="farm"):
        if job.state in states:
            try:
                changed.append(change(job))
            except JobError:  # it ended, or is still being stopped
                continue
    return changed


def job_facts(job: Job) -> dict[str, Any]:
    """A job as plain JSON."""
    return {
        "id": job.id,
        "state": job.state,
        "priority": job.priority,
        "target": str(job.spec.target),
        "output": str(job.spec.output),
        "progress": round(job.progress, 4),
        "fps": None if job.fps is None else round(job.fps, 2),
        "left_s": None if job.left_s is None else round(job.left_s, 1),
        "attempts": job.attempts,
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "error": job.failure.message if job.failure else None,
        "report": dict(job.report) if job.report else None,
    }
