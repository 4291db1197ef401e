"""Files that a studio keeps for its clients: privately, under opaque ids, for a limited time."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from masquerade.apps.studio.private_folder import make_private_folder, remove_leftovers
from masquerade.core.errors import MissingInputError
from masquerade.core.lifetimes import Closing

__all__ = ["KeptFile", "KeptFiles"]


class KeptFile(Protocol):
    """What is known of a file, at the least."""

    @property
    def id(self) -> str:
        """How clients call it."""
        ...

    @property
    def path(self) -> Path:
        """Where it is."""
        ...


File = TypeVar("File", bound=KeptFile)


class KeptFiles(Closing, Generic[File]):
    """Files by id; each is deleted once nobody has asked for it for a while.

    All methods may be called from any thread.

    Args:
        folder: where they are kept; each studio makes a folder of its own in it, which only this
            user may enter, and removes those of studios that ended without.
        age_s: how long a file is kept after it was last asked for.
        gone: the sentence for an id that nothing is kept under.
        clock: seconds, monotonic.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, age_s: float, gone: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        remove_leftovers(folder)
        self._folder = make_private_folder(folder)
        self._age_s, self._gone, self._clock = age_s, gone, clock
        self._lock = threading.RLock()
        self._files: dict[str, File] = {}
        self._used_s: dict[str, float] = {}

    def add(self, file: File) -> None:
        """Let clients ask for a file that is finished."""
        with self._lock:
            self._files[file.id], self._used_s[file.id] = file, self._clock()

    def find(self, file_id: str) -> File:
        """The file with this id; its time begins anew.

        Raises:
            MissingInputError: there is none, or its time has passed.
        """
        with self._lock:
            found = self._files.get(file_id)
            if found is None:
                raise MissingInputError(self._gone)
            self._used_s[file_id] = self._clock()
            return found

    def remove(self, file_id: str) -> None:
        """Delete a file.

        Raises:
            MissingInputError: there is none.
        """
        with self._lock:
            self.find(file_id)
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
        del self._used_s[file_id]
        with contextlib.suppress(OSError):
            self._files.pop(file_id).path.unlink()
