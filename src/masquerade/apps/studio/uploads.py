"""Files that clients sent: in a private folder, under opaque ids, for a limited time."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.apps.studio.config import Limits
from masquerade.apps.studio.ids import new_id
from masquerade.apps.studio.private_folder import make_private_folder, remove_leftovers
from masquerade.core.errors import (
    MasqueradeError,
    MediaLimitError,
    MissingInputError,
)

if TYPE_CHECKING:
    from masquerade.apps.studio.arrival import Arrival
    from masquerade.apps.studio.upload_facts import UploadFacts

__all__ = ["Upload", "Uploads"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a client sent and that was looked at.

    Attributes:
        id: how clients call it.
        name: what the client's file was called; for showing only, never a path.
        bytes: its size.
        facts: what it is.
        path: where it is kept. Whoever needs it for longer than a request links or copies it.
    """

    id: str
    name: str
    bytes: int
    facts: UploadFacts = field(repr=False)
    path: Path = field(repr=False)

    @contextmanager
    def spoken_of(self) -> Iterator[None]:
        """Errors that are raised within the block call the file by its name, not by its path."""
        with called(self.path, self.name):
            yield


@contextmanager
def called(path: Path, name: str) -> Iterator[None]:
    """Errors of this package that are raised within the block say ``name`` for ``path``."""
    try:
        yield
    except MasqueradeError as error:
        raise type(error)(str(error).replace(str(path), name)) from error


class Uploads:
    """The files that clients of one studio sent. All methods may be called from any thread.

    Args:
        folder: where they are kept; each studio makes a folder of its own in it, which only this
            user may enter, and removes those of studios that ended without.
        limits: sizes and ages.
        clock: seconds, monotonic.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits
        self._clock = clock
        remove_leftovers(folder)
        self._folder = make_private_folder(folder)
        self._lock = threading.Lock()
        self._uploads: dict[str, Upload] = {}
        self._used_s: dict[str, float] = {}
        self._arriving_bytes = 0

    def begin(self, name: str) -> Arrival:
        """Begin to receive a file that the client calls ``name``."""
        from masquerade.apps.studio.arrival import Arrival

        return Arrival(self, self._folder, new_id(), name)

    def find(self, upload_id: str) -> Upload:
        """The upload with this id; its time begins anew.

        Raises:
            MissingInputError: there is none, or its time has passed.
        """
        with self._lock:
            found = self._uploads.get(upload_id)
            if found is None:
                raise MissingInputError(
                    "There is no such upload, or it was deleted after its time; send it again."
                )
            self._used_s[upload_id] = self._clock()
            return found

    def remove(self, upload_id: str) -> None:
        """Delete an upload.

        Raises:
            MissingInputError: there is none.
        """
        self.find(upload_id)
        with self._lock:
            self._forget(upload_id)

    def sweep(self) -> int:
        """Delete what nobody used for too long; returns how many."""
        with self._lock:
            oldest = self._clock() - self.limits.upload_age_s
            old = [upload_id for upload_id, used in self._used_s.items() if used < oldest]
            for upload_id in old:
                self._forget(upload_id)
        return len(old)

    def close(self) -> None:
        """Delete everything. May be called twice."""
        with self._lock:
            self._uploads.clear()
            self._used_s.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def bytes(self) -> int:
        """How much is kept, what is arriving included."""
        with self._lock:
            return self._kept_bytes()

    def reserve(self, count: int) -> None:
        """Count bytes that are about to be written; negative ones are given back.

        Raises:
            MediaLimitError: all uploads together would be too many bytes.
        """
        with self._lock:
            if count > 0 and self._kept_bytes() + count > self.limits.uploads_bytes:
                raise MediaLimitError(
                    "All uploads together are too large; delete some that are not needed."
                )
            self._arriving_bytes += count

    def add(self, upload: Upload) -> None:
        """Take in a file that has arrived; its reserved bytes become kept ones."""
        with self._lock:
            self._arriving_bytes -= upload.bytes
            self._uploads[upload.id] = upload
            self._used_s[upload.id] = self._clock()

    def _kept_bytes(self) -> int:
        return self._arriving_bytes + sum(item.bytes for item in self._uploads.values())

    def _forget(self, upload_id: str) -> None:
        del self._used_s[upload_id]
        with contextlib.suppress(OSError):
            self._uploads.pop(upload_id).path.unlink()
