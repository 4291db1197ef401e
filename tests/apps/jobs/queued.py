"""Putting files into a queue, and waiting for what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from masquerade.apps.jobs.job import Job, JobSpec
from masquerade.apps.jobs.queue import JobQueue

PATIENCE_S = 120.0


def submit(queue: JobQueue, target: Path, donor: Path, **changes: object) -> Job:
    job_id = queue.store.new_id()
    folder = queue.files_of(job_id)
    values = {
        "name": target.name,
        "target": target,
        "output": folder / f"result{target.suffix}",
        "donors": {"mona": (donor,)},
        "consents": {"mona": "public-domain"},
    }
    return queue.add(JobSpec(**{**values, **changes}), job_id=job_id)


def wait_for(queue: JobQueue, job: Job, wanted: Callable[[Job], bool]) -> Job:
    until = time.monotonic() + PATIENCE_S
    while True:
        found = queue.store.get(job.id)
        if wanted(found):
            return found
        assert found.failure is None or wanted(found), found.failure
        assert time.monotonic() < until, found
        time.sleep(0.05)


def is_done(job: Job) -> bool:
    return job.state == "done"


def is_under_way(job: Job) -> bool:
    return job.state == "running" and job.progress > 0.05


def only_result(job: Job) -> bool:
    return [path.name for path in job.spec.output.parent.iterdir()] == [job.spec.output.name]
