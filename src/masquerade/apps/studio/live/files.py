"""Files that live sessions make for their clients to fetch: recordings and snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from masquerade.apps.studio.ids import new_id
from masquerade.apps.studio.kept_files import KeptFiles
from masquerade.core.errors import OutputError

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


class LiveFiles(KeptFiles[LiveFile]):
    """The files of all sessions of a studio.

    Args:
        folder: see :class:`KeptFiles`.
        age_s: see :class:`KeptFiles`.
        clock: seconds, monotonic.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, age_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(folder, age_s, "There is no such file, or its time has passed.", clock)

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
                super().add(file)
                return
        file.path.unlink(missing_ok=True)
        raise OutputError("There are too many recordings and snapshots; delete some of them.")
