"""What becomes of a job whose worker is no more."""

from __future__ import annotations

import sqlite3
from typing import Any

from masquerade.apps.jobs.job import Failure
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.rows import failure_text, next_change, update_row

__all__ = ["MOST_ATTEMPTS", "take_from"]

MOST_ATTEMPTS = 3
"""A job whose worker died this often is given up: it would take the next one down too."""


def take_from(connection: sqlite3.Connection, row: sqlite3.Row, now_s: float) -> bool:
    """Take a job from a worker that is dead: it waits again, or has failed.

    Args:
        connection: within a change.
        row: of the job.
        now_s: seconds since 1970.

    Returns:
        False where another was quicker.
    """
    worker = WorkerName.read(row["worker"])
    values: dict[str, Any] = {"worker": None, "change": next_change(connection)}
    if row["state"] != "running":
        return update_row(connection, row["id"], values, worker)
    # A driver of the farm reads no frame, so no job can have brought it down: it goes on.
    if row["attempts"] < MOST_ATTEMPTS or row["lane"] == "farm":
        values |= {"state": "waiting", "progress": 0.0, "fps": None, "left_s": None}
    else:
        text = failure_text(Failure("JobError", _gave_up(row["attempts"])))
        values |= {"state": "failed", "failure": text, "finished": now_s}
    return update_row(connection, row["id"], values, worker, "running")


def _gave_up(attempts: int) -> str:
    return (
        f"The program that did this job ended unexpectedly {attempts} times; the file may be more "
        "than this machine can take, so try a smaller one or other settings."
    )
