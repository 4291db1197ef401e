"""What is known of the farm's jobs beside the jobs themselves, in the same store.

What a job was begun with, which of its segments are finished, and what happened. A segment is
finished once its file has its name; the journal says so a moment later, so after a crash it is
brought in line with the folder, which takes a look at names and sizes and reads no film.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from masquerade.apps.farm.answers import checked_begun
from masquerade.apps.jobs.store import JobStore

__all__ = ["Finished", "Journal", "LogLine"]

_MOST_LINES = 10_000
"""Lines of log that are kept of one job, the latest."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished segment.

    Attributes:
        number: of the segment, from 0.
        size: of its file, bytes.
        report: what was done, plain JSON.
    """

    number: int
    size: int
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something that happened.

    Attributes:
        number: grows with each line of the store.
        at_s: seconds since 1970.
        node: the machine.
        text: one line.
    """

    number: int
    at_s: float
    node: str
    text: str


class Journal:
    """Every method raises what those of the store raise.

    Args:
        store: whose jobs they are.
        clock: seconds since 1970.
    """

    def __init__(self, store: JobStore, *, clock: Callable[[], float] = time.time) -> None:
        self._file = store.file
        self._clock = clock

    def begun_with(self, job_id: str) -> dict[str, Any] | None:
        """What :meth:`begin` was given, None before.

        Raises:
            JobError: it is damaged.
        """
        with self._file.reading() as connection:
            row = connection.execute("SELECT facts FROM begun WHERE job = ?", (job_id,)).fetchone()
        return checked_begun(row["facts"]) if row else None

    def begin(self, job_id: str, facts: Mapping[str, Any]) -> None:
        """Note what a job is done with: files, software, networks; replaces an earlier note."""
        with self._file.changing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO begun VALUES (?, ?)", (job_id, json.dumps(dict(facts)))
            )

    def numbers(self, job_id: str) -> list[int]:
        """Numbers of the finished segments, in order; their reports are in the job's folder."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT number FROM segments WHERE job = ? ORDER BY number", (job_id,)
            ).fetchall()
        return [row["number"] for row in rows]

    def count(self, job_id: str) -> int:
        """How many segments are finished."""
        with self._file.reading() as connection:
            query = "SELECT COUNT(*) FROM segments WHERE job = ?"
            return int(connection.execute(query, (job_id,)).fetchone()[0])

    def add(self, job_id: str, *segments: Finished) -> None:
        """Note finished segments; one that was noted before is noted anew."""
        rows = [(job_id, item.number, item.size, json.dumps(item.report)) for item in segments]
        with self._file.changing() as connection:
            connection.executemany("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?)", rows)

    def strike(self, job_id: str, *numbers: int) -> None:
        """Segments that are not there any more are to be done again."""
        with self._file.changing() as connection:
            connection.executemany(
                "DELETE FROM segments WHERE job = ? AND number = ?",
                [(job_id, number) for number in numbers],
            )

    def forget(self, job_id: str) -> None:
        """Begin a job from the start the next time; its log stays."""
        with self._file.changing() as connection:
            connection.execute("DELETE FROM begun WHERE job = ?", (job_id,))
            connection.execute("DELETE FROM segments WHERE job = ?", (job_id,))

    def log(self, job_id: str, node: str, text: str) -> None:
        """Write down what happened."""
        line = " ".join(text.split())[:2000]
        with self._file.changing() as connection:
            connection.execute(
                "INSERT INTO log (job, at, node, text) VALUES (?, ?, ?, ?)",
                (job_id, self._clock(), node, line),
            )
            connection.execute(
                "DELETE FROM log WHERE job = ? AND number <= (SELECT MAX(number) FROM log) - ?",
                (job_id, _MOST_LINES),
            )

    def lines(self, job_id: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """The latest lines of a job's log after the line of that number, in order."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM log WHERE job = ? AND number > ? ORDER BY number DESC LIMIT ?",
                (job_id, after, limit),
            ).fetchall()
        return [LogLine(row["number"], row["at"], row["node"], row["text"]) for row in rows[::-1]]
