"""The SQLite file under the job store: opening it, whole changes, and its errors in our words."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from masquerade.apps.jobs.schema import migrate
from masquerade.core.errors import JobError, MasqueradeError, OutputError
from masquerade.core.lifetimes import Closing

__all__ = ["StoreFile"]

_BUSY_MS = 10_000
_WAL_TRIES = 50


class StoreFile(Closing):
    """A connection that the threads of a process take turns with.

    Other processes may use the file at the same time: readers never wait (WAL), writers wait for
    each other.

    Args:
        path: of the file; it and its folder are made, for their owner alone.

    Raises:
        JobError: the file is damaged, no store, or of a newer version.
        OutputError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        with self._mapped():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
            )
            try:
                path.chmod(0o600)
                self._connection.row_factory = sqlite3.Row
                self._use_wal()
                # A store that a power cut takes a moment back to is still a whole one.
                self._connection.execute("PRAGMA synchronous = NORMAL")
                migrate(self._connection)
            except BaseException:
                self._connection.close()
                raise

    def _use_wal(self) -> None:
        """SQLite does not wait for others by itself when the way of writing is changed."""
        for tries_left in reversed(range(_WAL_TRIES)):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or not tries_left:
                    raise
                time.sleep(0.05)

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection, for questions that are all answered as of one moment.

        Raises:
            JobError, OutputError: the file cannot be read.
        """
        return self._transaction("BEGIN")

    def changing(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection, for a change that is made as a whole or, with an error, not at all.

        Raises:
            JobError, OutputError: the file cannot be written.
        """
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._turn, self._mapped():
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled it back
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        with self._turn:
            self._connection.close()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except MasqueradeError:
            raise
        except OSError as error:
            raise OutputError(
                f"The folder of the job store {self.path} cannot be made ({error.strerror}); "
                "set MASQUERADE_HOME to a folder of yours."
            ) from error
        except sqlite3.Error as error:
            raise self._in_words(error) from error

    def _in_words(self, error: sqlite3.Error) -> MasqueradeError:
        text = str(error)
        if "full" in text:
            return OutputError(
                f"The disk is full, so the job store {self.path} was not changed; free some space."
            )
        if "locked" in text:
            return OutputError(
                f"The job store {self.path} is held by another program; try again in a moment."
            )
        if isinstance(error, sqlite3.OperationalError) and "no such" not in text:
            return OutputError(
                f"The job store {self.path} cannot be written ({text}); check the folder's "
                "permissions and the disk."
            )
        return JobError(
            f"The job store {self.path} cannot be read ({text}); move it away to begin a new one."
        )
