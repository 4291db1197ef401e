"""Files that clients sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.apps.studio.config import Limits
from masquerade.apps.studio.ids import new_id
from masquerade.apps.studio.kept_files import KeptFiles
from masquerade.core.errors import MasqueradeError, MediaLimitError

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


class Uploads(KeptFiles[Upload]):
    """The files that clients of one studio sent.

    Args:
        folder: see :class:`KeptFiles`.
        limits: sizes and ages.
        clock: seconds, monotonic.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        gone = "There is no such upload, or it was deleted after its time; send it again."
        super().__init__(folder, limits.upload_age_s, gone, clock)
        self.limits = limits
        self._arriving_bytes = 0

    def begin(self, name: str) -> Arrival:
        """Begin to receive a file that the client calls ``name``."""
        from masquerade.apps.studio.arrival import Arrival

        return Arrival(self, self._folder, new_id(), name)

    @property
    def bytes(self) -> int:
        """How much is kept, what is arriving included."""
        with self._lock:
            return self._arriving_bytes + sum(upload.bytes for upload in self._files.values())

    def reserve(self, count: int) -> None:
        """Count bytes that are about to be written; negative ones are given back.

        Raises:
            MediaLimitError: all uploads together would be too many bytes.
        """
        with self._lock:
            if count > 0 and self.bytes + count > self.limits.uploads_bytes:
                raise MediaLimitError(
                    "All uploads together are too large; delete some that are not needed."
                )
            self._arriving_bytes += count

    def add(self, file: Upload) -> None:
        """Take in a file that has arrived; its reserved bytes become kept ones."""
        with self._lock:
            self._arriving_bytes -= file.bytes
            super().add(file)
