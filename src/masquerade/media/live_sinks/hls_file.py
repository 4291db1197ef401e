"""The files of an HLS stream, whose faults are noted."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedWriter

__all__ = ["HlsFile"]


class HlsFile:
    """One file of the stream. FFmpeg does not look at errors here, so they are noted.

    A playlist that could not be written whole is removed before it can replace the good one.

    Args:
        path: is made anew.
        faults: what the operating system says is added here.
    """

    def __init__(self, path: Path, faults: list[OSError]) -> None:
        self.name = str(path)
        self._path, self._faults = path, faults
        self._whole = True
        self._file: BufferedWriter | None = None
        try:
            self._file = path.open("wb")
        except OSError as error:
            self._note(error)

    def write(self, data: bytes) -> int:
        """Write all of ``data``, or note the fault."""
        if self._whole and self._file is not None:
            try:
                self._file.write(data)
                self._file.flush()
            except OSError as error:
                self._note(error)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._note(error)
        if not self._whole and ".m3u8" in self._path.suffixes:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _note(self, error: OSError) -> None:
        self._whole = False
        self._faults.append(error)
