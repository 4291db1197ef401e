"""What a worker does with the job store: takes a job, tells how far it is, hands it in.

Whatever it says of a job counts only while the job is running and its own: one that was cancelled,
or was given to another since this one was held to be dead, is out of its hands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from masquerade.apps.jobs.job import Failure, Job, JobState, Lane
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.rows import failure_text, job_of, next_change, row_of, update_row
from masquerade.apps.jobs.store_file import StoreFile

__all__ = ["WorkerDesk"]


class WorkerDesk:
    """A worker's side of the store; every method raises what those of the store raise.

    Args:
        file: of the store.
        worker: whose desk it is.
        clock: seconds since 1970.
        lane: whose jobs it does.
    """

    def __init__(
        self, file: StoreFile, worker: WorkerName, clock: Callable[[], float], lane: Lane
    ) -> None:
        self.worker = worker
        self._file = file
        self._clock = clock
        self._lane = lane

    def claim(self, *, only: Collection[str] | None = None, above: int | None = None) -> Job | None:
        """Take the next job that waits; it is running then, and this worker's.

        Args:
            only: ids of the jobs that may be taken; None for all of the lane.
            above: take only jobs of a higher priority than this.
        """
        now = self._clock()
        with self._file.changing() as connection:
            rows = connection.execute(
                "SELECT id FROM jobs WHERE lane = ? AND state = 'waiting' AND worker IS NULL "
                "AND priority > ? ORDER BY priority DESC, number",
                (self._lane, -(2**62) if above is None else above),
            )
            row = next((row for row in rows if only is None or row["id"] in only), None)
            if row is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, beat = ?, started = ?, "
                "attempts = attempts + 1, progress = 0, change = ? WHERE id = ?",
                (str(self.worker), now, now, next_change(connection), row["id"]),
            )
            return job_of(row_of(connection, row["id"]))

    def wanted(self, job_id: str) -> bool:
        """Whether the job is still to be done by this worker."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM jobs WHERE id = ? AND worker = ? AND state = 'running'",
                (job_id, str(self.worker)),
            ).fetchone()
        return row is not None

    def beat(
        self,
        job_id: str,
        *,
        progress: float | None = None,
        fps: float | None = None,
        left_s: float | None = None,
    ) -> None:
        """Say that the worker lives and, where ``progress`` (0..1) is given, how far the job is."""
        values: dict[str, Any] = {"beat": self._clock()}
        with self._file.changing() as connection:
            if progress is not None:
                values |= {"progress": progress, "fps": fps, "left_s": left_s}
                values["change"] = next_change(connection)
            update_row(connection, job_id, values, self.worker, "running")

    def finish(self, job_id: str, report: Mapping[str, Any]) -> bool:
        """The output is in its place.

        Returns:
            False where the job was cancelled or given to another worker meanwhile.
        """
        values = {"report": json.dumps(dict(report)), "progress": 1.0, "left_s": 0.0}
        return self._end(job_id, "done", values)

    def fail(self, job_id: str, failure: Failure) -> bool:
        """The job cannot be done; returns as :meth:`finish`."""
        return self._end(job_id, "failed", {"failure": failure_text(failure)})

    def release(self, job_id: str) -> None:
        """Leave a job undone: a running one waits again, a cancelled one is free to be retried."""
        with self._file.changing() as connection:
            change = next_change(connection)
            values = {"state": "waiting", "worker": None, "progress": 0.0, "change": change}
            if update_row(connection, job_id, values, self.worker, "running"):
                connection.execute(
                    "UPDATE jobs SET attempts = attempts - 1 WHERE id = ?", (job_id,)
                )
            else:
                update_row(connection, job_id, {"worker": None, "change": change}, self.worker)

    def _end(self, job_id: str, state: JobState, values: dict[str, Any]) -> bool:
        with self._file.changing() as connection:
            ended = {"state": state, "worker": None, "finished": self._clock()}
            ended["change"] = next_change(connection)
            return update_row(connection, job_id, {**values, **ended}, self.worker, "running")
