"""Files that live sessions make for their clients to fetch: recordings and snapshots."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from masquerade.apps.studio.ids import new_id
from masquerade.apps.studio.private_folder import make_private_folder, remove_leftovers
from masquerade.core.errors import MissingInputError, OutputError
from masquerade.core.lifetimes import Closing

__all__ = ["LiveFile", "LiveFiles"]

_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A file that is ready to be fetched.

    Attributes:
        id: how clients call it.
        name: what it is called when it is saved.
        media_type: of its content.
        path: where it is.
    """

    id: str
    name: str
    media_type: str
    path: Path = field(repr=False)

    @property
    def bytes(self) -> int:
        """Its size; 0 where it is gone."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


class LiveFiles(Closing):
    """The files of all sessions of a studio. All methods may be called from any thread.

    Args:
        folder: where they are kept; a private one is made in it.
        age_s: how long a file is kept after it was last asked for.
        clock: seconds, monotonic.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, age_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        remove_leftovers(folder)
        self._folder = make_private_folder(folder)
        self._age_s, self._clock = age_s, clock
        self._lock = threading.Lock()
        self._files: dict[str, LiveFile] = {}
        self._used_s: dict[str, float] = {}

    def place(self, name: str, media_type: str) -> LiveFile:
        """Where a new file is to be written; clients see it once it was added."""
        made = new_id()
        return LiveFile(made, name, media_type, self._folder / f"{made}{Path(name).suffix}")

    def add(self, file: LiveFile) -> None:
        """Let clients fetch a file that is finished.

        Raises:
            OutputError: there are too many; the new one is removed.
        """
        with self._lock:
            if len(self._files) < _MOST_FILES:
                self._files[file.id], self._used_s[file.id] = file, self._clock()
                return
        file.path.unlink(missing_ok=True)
        raise OutputError("There are too many recordings and snapshots; delete some of them.")

    def find(self, file_id: str) -> LiveFile:
        """The file with that id; its time begins anew.

        Raises:
            MissingInputError: there is none.
        """
        with self._lock:
            found = self._files.get(file_id)
            if found is None:
                raise MissingInputError("There is no such file, or its time has passed.")
            self._used_s[file_id] = self._clock()
            return found

    def remove(self, file_id: str) -> None:
        """Delete a file.

        Raises:
            MissingInputError: there is none.
        """
        self.find(file_id)
        with self._lock:
            self._forget(file_id)

    def sweep(self) -> int:
        """Delete what nobody asked for in time; returns how many."""
        with self._lock:
            oldest_s = self._clock() - self._age_s
            old = [file_id for file_id, used_s in self._used_s.items() if used_s < oldest_s]
            for file_id in old:
                self._forget(file_id)
        return len(old)

    def close(self) -> None:
        """Delete everything; may be called twice."""
        with self._lock:
            self._files.clear()
            self._used_s.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _forget(self, file_id: str) -> None:
        self._used_s.pop(file_id, None)
        found = self._files.pop(file_id, None)
        if found is not None:
            with contextlib.suppress(OSError):
                found.path.unlink()
