"""A file that is being fetched: what is there, its hash so far, and which version it is of."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from masquerade.core.errors import OutputError
from masquerade.models.kept_document import read_document, write_document

__all__ = ["PartFile"]

_CHUNK_BYTES = 1 << 20
_SPARE_BYTES = 64 << 20
"""Disk space that is left to others."""


class PartFile:
    """``TARGET.part`` beside the file that it becomes, and ``TARGET.part.json`` with its origin.

    Both stay when the work is cut off, whatever the reason, and the next one goes on from there.

    Args:
        target: the file to make.

    Attributes:
        size_bytes: how much is there.
        origin: address of the file that it is a part of; "" where that is unknown.
        tag: the version of that file, as its server calls it; "" where it does not tell.

    Raises:
        OutputError: the folder cannot be written to.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self._notes = target.with_name(target.name + ".part.json")
        self.size_bytes = 0
        self.origin = self.tag = ""
        self._hash = hashlib.sha256()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
            self._read_what_is_there()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _read_what_is_there(self) -> None:
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK_BYTES):
            self._hash.update(chunk)
            self.size_bytes += len(chunk)
        try:
            notes = read_document(self._notes)
        except ValueError:
            notes = {}
        self.origin, self.tag = str(notes.get("origin", "")), str(notes.get("tag", ""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
            if not self.size_bytes:
                self.path.unlink(missing_ok=True)
                self._notes.unlink(missing_ok=True)
        except OSError as failure:
            if error is None:
                raise _unwritable(self.path, failure) from failure

    @property
    def sha256(self) -> str:
        """Of the bytes that are there."""
        return self._hash.hexdigest()

    def begin(self, origin: str, tag: str) -> None:
        """Drop what is there and note where the new bytes come from."""
        try:
            self._file.truncate(0)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.size_bytes, self._hash = 0, hashlib.sha256()
        self.note(origin, tag)

    def note(self, origin: str, tag: str) -> None:
        """Remember where the bytes come from."""
        if (origin, tag) != (self.origin, self.tag) or not self._notes.exists():
            self.origin, self.tag = origin, tag
            write_document(self._notes, {"origin": origin, "tag": tag})

    def require_space(self, more_bytes: int) -> None:
        """Refuse what would fill the disk.

        Args:
            more_bytes: what is still to come.

        Raises:
            OutputError: with what is needed and what is free.
        """
        free = shutil.disk_usage(self.path.parent).free
        if free < more_bytes + _SPARE_BYTES:
            raise OutputError(
                f"{self.path.parent} has {free / 1e6:,.0f} MB free, and "
                f"{(more_bytes + _SPARE_BYTES) / 1e6:,.0f} MB are needed; make room, or set "
                "MASQUERADE_MODELS to a folder on another disk."
            )

    def append(self, chunk: bytes) -> None:
        """Add bytes.

        Raises:
            OutputError: the disk is full.
        """
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._hash.update(chunk)
        self.size_bytes += len(chunk)

    def flush(self) -> None:
        """Hand what was added to the system, so that it outlives this process.

        Raises:
            OutputError: the disk is full.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def discard(self) -> None:
        """Drop everything."""
        self.begin("", "")
        self._notes.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name, all at once.

        Raises:
            OutputError: the disk is full or the name is taken by a folder.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.path.replace(self.target)
            self._notes.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written ({error.strerror}); check the folder's permissions and space."
    )
