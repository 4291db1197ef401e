"""The tables of the job store, and how an older store becomes one of today."""

from __future__ import annotations

import sqlite3

from masquerade.apps.jobs.job import MOVES, STATES
from masquerade.core.errors import JobError

__all__ = ["VERSION", "migrate"]

_STATES = ", ".join(f"'{state}'" for state in STATES)
_LEGAL = " OR ".join(
    f"(OLD.state = '{state}' AND NEW.state = '{next_}')"
    for state, moves in MOVES.items()
    for next_ in sorted({state, *moves})
)

_JOBS = (
    f"""
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        spec TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ({_STATES})),
        priority INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        worker TEXT,
        beat REAL,
        progress REAL NOT NULL DEFAULT 0,
        fps REAL,
        left_s REAL,
        created REAL NOT NULL,
        started REAL,
        finished REAL,
        failure TEXT,
        report TEXT,
        change INTEGER NOT NULL
    )""",
    "CREATE INDEX jobs_by_turn ON jobs (state, priority DESC, number)",
    "CREATE INDEX jobs_by_change ON jobs (change)",
    f"""
    CREATE TRIGGER jobs_move BEFORE UPDATE OF state ON jobs WHEN NOT ({_LEGAL})
    BEGIN SELECT RAISE(ABORT, 'no such move of a job'); END""",
    "CREATE TABLE forgotten (id TEXT PRIMARY KEY, change INTEGER NOT NULL)",
    "CREATE TABLE changes (latest INTEGER NOT NULL)",
    "INSERT INTO changes VALUES (0)",
)

_FARM = (
    "ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'files'",
    "DROP INDEX jobs_by_turn",
    "CREATE INDEX jobs_by_turn ON jobs (lane, state, priority DESC, number)",
    "CREATE TABLE begun (job TEXT PRIMARY KEY, facts TEXT NOT NULL)",
    """
    CREATE TABLE segments (
        job TEXT NOT NULL,
        number INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        report TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID""",
    """
    CREATE TABLE log (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        at REAL NOT NULL,
        node TEXT NOT NULL,
        text TEXT NOT NULL
    )""",
    "CREATE INDEX log_by_job ON log (job, number)",
    """
    CREATE TRIGGER jobs_gone AFTER DELETE ON jobs BEGIN
        DELETE FROM begun WHERE job = OLD.id;
        DELETE FROM segments WHERE job = OLD.id;
        DELETE FROM log WHERE job = OLD.id;
    END""",
)
"""What the farm keeps: who does a job (its lane), what a job was begun with, which segments of it
are finished, and what happened."""

_MIGRATIONS: tuple[tuple[str, ...], ...] = (_JOBS, _FARM)
"""Step n leads from version n to n + 1. Steps are only ever added: stores in the field hold the
results of the earlier ones."""

VERSION = len(_MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a store to :data:`VERSION`; several processes may try at once.

    Args:
        connection: in autocommit mode.

    Raises:
        JobError: a newer program wrote it.
        sqlite3.Error: it is no store, or cannot be written.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > VERSION:
            raise JobError(
                f"The job store is of version {found}, newer than this program's {VERSION}; "
                "update masquerade."
            )
        for step in _MIGRATIONS[found:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
