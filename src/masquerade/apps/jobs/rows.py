"""Rows of the jobs' table: reading one, changing one, and what it says as a :class:`Job`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from masquerade.apps.jobs.job import Failure, Job, JobSpec, JobState
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.core.errors import JobError, MissingJobError

__all__ = ["failure_text", "job_of", "next_change", "refuse_twins", "row_of", "update_row"]


def row_of(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row:
    """One row.

    Raises:
        MissingJobError: there is none of this id.
    """
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM jobs WHERE id = ?", (job_id,)
    ).fetchone()
    if row is None:
        raise MissingJobError("There is no such job; it may have been removed. List the jobs.")
    return row


def next_change(connection: sqlite3.Connection) -> int:
    """A number for the change that is being made."""
    connection.execute("UPDATE changes SET latest = latest + 1")
    return int(connection.execute("SELECT latest FROM changes").fetchone()[0])


def update_row(
    connection: sqlite3.Connection,
    job_id: str,
    values: Mapping[str, Any],
    worker: WorkerName | None = None,
    state: JobState | None = None,
) -> bool:
    """Set columns of a job, if it is this worker's and in this state; False where it is not."""
    columns = ", ".join(f"{name} = ?" for name in values)
    query, given = f"UPDATE jobs SET {columns} WHERE id = ?", [*values.values(), job_id]
    for name, wanted in (("worker", worker and str(worker)), ("state", state)):
        if wanted is not None:
            query, given = f"{query} AND {name} = ?", [*given, wanted]
    return connection.execute(query, given).rowcount == 1


def refuse_twins(connection: sqlite3.Connection, specs: Sequence[JobSpec]) -> None:
    """See that nobody else is about to write what these jobs write.

    Raises:
        JobError: a job that waits or runs has the output of one of them.
    """
    wanted = {spec.output: spec for spec in specs}
    rows = connection.execute(
        "SELECT id, state, spec FROM jobs WHERE lane = 'farm' AND state IN ('waiting', 'running')"
    )
    for row in rows:
        twin = wanted.get(JobSpec.from_json(row["spec"]).output)
        if twin is not None:
            raise JobError(
                f"{twin.output} is the output of job {row['id'][:8]} too, which is "
                f"{row['state']}; cancel that one or choose another output."
            )


def job_of(row: sqlite3.Row) -> Job:
    """What a row says."""
    values = {name: row[name] for name in row.keys() if name != "beat"}  # noqa: SIM118
    failure, report = values.pop("failure"), values.pop("report")
    return Job(
        **{**values, "spec": JobSpec.from_json(values["spec"])},
        failure=Failure(**json.loads(failure)) if failure else None,
        report=json.loads(report) if report else None,
    )


def failure_text(failure: Failure) -> str:
    """A failure as :func:`job_of` reads it."""
    return json.dumps({"kind": failure.kind, "message": failure.message})
