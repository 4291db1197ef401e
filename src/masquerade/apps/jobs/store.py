"""The jobs of one user in one file, for any number of threads and processes.

Every change of a job is one transaction that asks for the state it starts from, so of two who try
the same move one is refused. Each change gets a number that grows, by which listeners ask for what
is new (:meth:`JobStore.changes`).
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.apps.jobs.desk import WorkerDesk
from masquerade.apps.jobs.job import ENDED, MOVES, Job, JobSpec, JobState, Lane
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.rescue import MOST_ATTEMPTS, take_from
from masquerade.apps.jobs.rows import job_of, next_change, refuse_twins, row_of, update_row
from masquerade.apps.jobs.store_file import StoreFile
from masquerade.core.errors import JobError
from masquerade.core.lifetimes import Closing

__all__ = ["MOST_ATTEMPTS", "Changes", "JobStore"]

_KEPT_FORGOTTEN = 10_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What became different in a store.

    Attributes:
        latest: number of the latest change; ask from it on the next time.
        jobs: those that changed and are still there, in the order of their changes.
        forgotten: ids of those that were removed.
    """

    latest: int
    jobs: tuple[Job, ...]
    forgotten: tuple[str, ...]


class JobStore(Closing):
    """The store.

    Args:
        path: of the SQLite file.
        clock: seconds since 1970.

    Raises:
        JobError: the file is damaged, no store, or of a newer version. Every method may raise it.
        OutputError: it cannot be made or written. Every method may raise it.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file = StoreFile(path)
        self._clock = clock

    def desk(self, worker: WorkerName, lane: Lane = "files") -> WorkerDesk:
        """Where a worker takes jobs of a lane and hands them in."""
        return WorkerDesk(self._file, worker, self._clock, lane)

    @property
    def file(self) -> StoreFile:
        """For whoever keeps more about jobs in it."""
        return self._file

    @property
    def path(self) -> Path:
        """Of the SQLite file."""
        return self._file.path

    # Asking

    @property
    def latest(self) -> int:
        """Number of the latest change."""
        with self._file.reading() as connection:
            return int(connection.execute("SELECT latest FROM changes").fetchone()[0])

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            MissingJobError: there is none of this id.
        """
        with self._file.reading() as connection:
            return job_of(row_of(connection, job_id))

    def newest(
        self, limit: int = 100, *, before: str | None = None, lane: Lane | None = None
    ) -> list[Job]:
        """Jobs, the newest first.

        Args:
            limit: how many at the most.
            before: id of the job from which on older ones are wanted; that one is left out.
            lane: of these alone; None for all.

        Raises:
            MissingJobError: there is no job ``before``.
        """
        with self._file.reading() as connection:
            below = 2**62 if before is None else int(row_of(connection, before)["number"])
            rows = connection.execute(
                "SELECT * FROM jobs WHERE number < ? AND lane = coalesce(?, lane) "
                "ORDER BY number DESC LIMIT ?",
                (below, lane, limit),
            ).fetchall()
        return [job_of(row) for row in rows]

    def count(self, *states: JobState, lane: Lane = "files") -> int:
        """How many jobs of a lane are in one of these states."""
        marks = ", ".join("?" * len(states))
        with self._file.reading() as connection:
            query = f"SELECT COUNT(*) FROM jobs WHERE lane = ? AND state IN ({marks})"
            return int(connection.execute(query, (lane, *states)).fetchone()[0])

    def ended_before(self, moment_s: float) -> list[Job]:
        """Jobs of a queue that ended before a time, seconds since 1970, and that no worker holds.

        Those of the farm are their owner's to forget: what they wrote lies where it was wanted.
        """
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE lane = 'files' AND finished < ? AND worker IS NULL",
                (moment_s,),
            ).fetchall()
        return [job for job in map(job_of, rows) if job.state in ENDED]

    def changes(self, since: int) -> Changes:
        """What changed after the change of that number; 0 asks for everything."""
        with self._file.reading() as connection:
            latest = int(connection.execute("SELECT latest FROM changes").fetchone()[0])
            rows = connection.execute(
                "SELECT * FROM jobs WHERE change > ? ORDER BY change", (since,)
            ).fetchall()
            gone = connection.execute(
                "SELECT id FROM forgotten WHERE change > ? ORDER BY change", (since,)
            ).fetchall()
        return Changes(latest, tuple(map(job_of, rows)), tuple(row["id"] for row in gone))

    # What users do

    def add(self, spec: JobSpec, *, priority: int = 0, job_id: str | None = None) -> Job:
        """A new job, waiting.

        Args:
            spec: what is to be done.
            priority: higher ones come first; equal ones in the order in which they came.
            job_id: see :meth:`new_id`; a new one by default.

        Raises:
            SettingsError: something in ``spec`` is wrong.
        """
        spec.check()
        with self._file.changing() as connection:
            return self._insert(connection, job_id or self.new_id(), spec, priority, "files")

    def add_farm(self, specs: Sequence[tuple[JobSpec, int]]) -> list[Job]:
        """New jobs of the farm, all or none.

        Args:
            specs: what is to be done, each with its priority.

        Raises:
            SettingsError: something in a spec is wrong.
            JobError: a job that waits or runs has the output of one of them.
        """
        for spec, _priority in specs:
            spec.check()
        with self._file.changing() as connection:
            refuse_twins(connection, [spec for spec, _priority in specs])
            return [
                self._insert(connection, self.new_id(), spec, priority, "farm")
                for spec, priority in specs
            ]

    def _insert(
        self,
        connection: sqlite3.Connection,
        job_id: str,
        spec: JobSpec,
        priority: int,
        lane: Lane,
    ) -> Job:
        connection.execute(
            "INSERT INTO jobs (id, spec, priority, lane, created, change) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (job_id, spec.to_json(), priority, lane, self._clock(), next_change(connection)),
        )
        return job_of(row_of(connection, job_id))

    @staticmethod
    def new_id() -> str:
        """An id that nobody can guess."""
        return secrets.token_hex(10)

    def cancel(self, job_id: str) -> Job:
        """End a job that waits or runs; its worker hears of it within a second.

        Raises:
            MissingJobError: there is none.
            JobError: it has ended.
        """
        return self._move(job_id, "cancelled", finished=self._clock(), left_s=None)

    def retry(self, job_id: str) -> Job:
        """Let a job that failed or was cancelled wait again.

        Raises:
            MissingJobError: there is none.
            JobError: it is in another state, or its worker has not let go of it yet.
        """
        return self._move(
            job_id,
            "waiting",
            only=("failed", "cancelled"),
            free=True,
            attempts=0,
            progress=0.0,
            fps=None,
            left_s=None,
            started=None,
            finished=None,
            failure=None,
        )

    def forget(self, job_id: str) -> None:
        """Remove a job that has ended. A worker that is still leaving it finds nothing any more.

        Raises:
            MissingJobError: there is none.
            JobError: it waits or runs.
        """
        with self._file.changing() as connection:
            row = row_of(connection, job_id)
            if row["state"] not in ENDED:
                raise JobError(f"The job is {row['state']}; cancel it before it is removed.")
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
            change = next_change(connection)
            connection.execute("INSERT INTO forgotten VALUES (?, ?)", (job_id, change))
            connection.execute(
                "DELETE FROM forgotten WHERE change <= ?", (change - _KEPT_FORGOTTEN,)
            )

    def rescue(self, alive: Callable[[WorkerName, float], bool] = WorkerName.is_alive) -> list[str]:
        """Let jobs of workers that are no more wait again; give up those that were tried often.

        Args:
            alive: whether a worker is there, by its name and when it was last heard of.

        Returns:
            Ids of the jobs that were taken from the dead.
        """
        with self._file.reading() as connection:
            held = connection.execute("SELECT * FROM jobs WHERE worker IS NOT NULL").fetchall()
        dead = [row for row in held if not alive(WorkerName.read(row["worker"]), row["beat"] or 0)]
        if not dead:
            return []
        with self._file.changing() as connection:
            return [row["id"] for row in dead if take_from(connection, row, self._clock())]

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._file.close()

    def _move(
        self,
        job_id: str,
        to: JobState,
        *,
        only: Iterable[JobState] | None = None,
        free: bool = False,
        **values: Any,
    ) -> Job:
        """Take a job to another state, or raise JobError where that is not possible."""
        with self._file.changing() as connection:
            row = row_of(connection, job_id)
            state: JobState = row["state"]
            if to not in MOVES[state] or (only is not None and state not in only):
                raise JobError(f"The job is {state}, so it cannot be {to}; look at its state.")
            if free and row["worker"] is not None:
                raise JobError("The job is still being stopped; try again in a moment.")
            values |= {"state": to, "change": next_change(connection)}
            update_row(connection, job_id, values)
            return job_of(row_of(connection, job_id))
