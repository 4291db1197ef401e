"""A file that is being recorded, which a fault of the disk leaves as it was a moment before."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["Spool"]


class Spool:
    """What FFmpeg writes a recording through.

    When the disk fails, what was written since the last :meth:`mark` is taken back, older bytes
    that were replaced since then too, and everything later is swallowed: the file ends with the
    last whole fragment and stays playable, whatever the muxer still believes it writes.

    Args:
        path: a file that exists; it is overwritten.

    Attributes:
        fault: what the operating system said, None while all is well.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.fault: OSError | None = None
        self._file = path.open("r+b", buffering=0)
        self._at = self._whole = 0
        self._replaced: list[tuple[int, bytes]] = []

    # What FFmpeg calls

    def write(self, data: bytes) -> int:
        """Write all of ``data``, or note the fault and go back to the mark."""
        if self.fault is None:
            try:
                self._save(len(data))
                self._write_all(data)
            except OSError as error:
                self.fault = error
                self._go_back()
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's; behind a fault only the position is kept."""
        if self.fault is None:
            self._at = self._file.seek(offset, whence)
        elif whence < 2:
            self._at = offset + (self._at if whence == 1 else 0)
        return self._at

    def tell(self) -> int:
        """As a file's."""
        return self._at

    # What the recording calls

    def mark(self) -> None:
        """Say that what is in the file up to here can be played."""
        if self.fault is None:
            self._whole = self._file.seek(0, 2)
            self._file.seek(self._at)
            self._replaced.clear()

    def append(self, data: bytes) -> None:
        """Write ``data`` at the end."""
        self.seek(0, 2)
        self.write(data)
        self.mark()

    def close(self) -> None:
        """Close the file; may be called twice."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _save(self, count: int) -> None:
        """Remember the bytes before the mark that are about to be replaced."""
        if self._at < self._whole:
            self._replaced.append((self._at, self._file.read(min(count, self._whole - self._at))))
            self._file.seek(self._at)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]

    def _go_back(self) -> None:
        with contextlib.suppress(OSError):
            for position, old in reversed(self._replaced):
                self._file.seek(position)
                self._write_all(old)
            self._file.truncate(self._whole)
