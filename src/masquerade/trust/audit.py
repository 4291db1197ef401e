"""The audit log: what was made, refused and stated on this installation, in order.

One JSON object a line, each with the hash of the one before it, so that no line can be changed,
removed or put in between without all later ones being written anew. A second file holds the
newest line's number and hash, so that lines cut off at the end are missed. Nothing of it leaves the
machine. Whoever may write the files may also write a whole new log; but every output's credentials
name the hash of its line, and a new log does not have those.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from masquerade.core.errors import OutputError
from masquerade.core.folders import data_folder
from masquerade.trust.file_lock import file_lock

__all__ = ["AuditEntry", "AuditFault", "AuditLog"]

_LOG, _HEAD, _LOCK = "audit.jsonl", "audit.head", "audit.lock"
_BEGIN = "0" * 64
_LONGEST_LINE_BYTES = 1_000_000
_BLOCK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line.

    Attributes:
        number: from 1 on.
        at: ISO 8601, UTC.
        event: such as ``output``, ``refused``, ``consent``.
        facts: plain data.
        previous: hash of the line before, zeros for the first.
        hash: SHA-256 over all of this, 64 hexadecimal digits.
    """

    number: int
    at: str
    event: str
    facts: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Where the log is not as it was written.

    Attributes:
        line: number of the first line that is wrong, from 1 on.
        reason: in words.
    """

    line: int
    reason: str


class AuditLog:
    """The log of one user; any number of processes may write it at once.

    Its files are readable by their owner alone (0600).

    Args:
        folder: where the files are, :func:`data_folder` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or data_folder()

    @property
    def path(self) -> Path:
        """The log's file; it appears with the first line."""
        return self._folder / _LOG

    def append(self, event: str, facts: Mapping[str, Any]) -> AuditEntry:
        """Add a line.

        Args:
            event: what has happened, one word.
            facts: plain data, ready for JSON.

        Raises:
            OutputError: the log cannot be written, or its end cannot be read.
        """
        try:
            with file_lock(self._folder / _LOCK):
                return self._append(event, facts)
        except OSError as error:
            raise OutputError(
                f"The audit log in {self._folder} cannot be written ({error.strerror}), so nothing "
                "is done; set MASQUERADE_HOME to a folder of yours."
            ) from error

    def entries(self) -> Iterator[AuditEntry]:
        """The lines, the oldest first, as far as they can be read; see :meth:`verify`."""
        for line in self._lines():
            with contextlib.suppress(ValueError):
                yield _parse(line)

    def verify(self) -> AuditFault | None:
        """Go through the log; None where every line is as it was written."""
        previous, number, hashes = _BEGIN, 0, {0: _BEGIN}
        for number, line in enumerate(self._lines(), 1):
            try:
                entry = _parse(line)
            except ValueError:
                return AuditFault(number, "it cannot be read")
            if entry.hash != _hash(entry):
                return AuditFault(number, "it was changed")
            if entry.number != number or entry.previous != previous:
                return AuditFault(number, "what stood before it was changed or removed")
            previous = hashes[number] = entry.hash
        return self._check_end(number, hashes)

    def _check_end(self, count: int, hashes: Mapping[int, str]) -> AuditFault | None:
        head = self._head()
        if head is None:
            return (
                None
                if not count
                else AuditFault(count, "the record of the log's end, audit.head, is gone")
            )
        number, digest = head
        if number > count:
            return AuditFault(count + 1, f"it is gone: the log had {number} lines and has {count}")
        if hashes.get(number) != digest:
            return AuditFault(number, "it is not the line that was written last")
        return None

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                while line := file.readline(_LONGEST_LINE_BYTES):
                    yield line
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise OutputError(
                f"The audit log {self.path} cannot be read ({error.strerror}); check permissions."
            ) from error

    def _append(self, event: str, facts: Mapping[str, Any]) -> AuditEntry:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            number, previous = self._last(descriptor)
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            unsigned = AuditEntry(number + 1, moment, event, dict(facts), previous, "")
            entry = AuditEntry(
                unsigned.number, moment, event, unsigned.facts, previous, _hash(unsigned)
            )
            line = json.dumps(_plain(entry), ensure_ascii=False).encode() + b"\n"
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
        self._write_head(entry)
        return entry

    def _last(self, descriptor: int) -> tuple[int, str]:
        """Number and hash of the newest line; what a crash has left of a later one is cut off."""
        size = os.lseek(descriptor, 0, os.SEEK_END)
        tail, start = b"", size
        while start and tail.count(b"\n") < 2 and size - start < _LONGEST_LINE_BYTES:
            start = max(0, start - _BLOCK_BYTES)
            os.lseek(descriptor, start, os.SEEK_SET)
            tail = os.read(descriptor, size - start)
        whole = tail[: tail.rfind(b"\n") + 1]
        if len(whole) < len(tail):
            os.ftruncate(descriptor, start + len(whole))
        if not whole:
            return 0, _BEGIN
        try:
            entry = _parse(whole.splitlines()[-1])
        except ValueError:
            head = self._head()  # a damaged line stays, for `verify` to find
            return head if head is not None else (0, _BEGIN)
        return entry.number, entry.hash

    def _head(self) -> tuple[int, str] | None:
        try:
            number, digest = (self._folder / _HEAD).read_text(encoding="ascii").split()
            return int(number), digest
        except (OSError, ValueError):
            return None

    def _write_head(self, entry: AuditEntry) -> None:
        partial = self._folder / f"{_HEAD}.part"  # nobody else writes while the lock is held
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{entry.number} {entry.hash}\n")
        partial.replace(self._folder / _HEAD)


def _plain(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in AuditEntry.__slots__}


def _hash(entry: AuditEntry) -> str:
    values = {**_plain(entry), "hash": ""}
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _parse(line: bytes) -> AuditEntry:
    """Raises ValueError: it is no line of the log."""
    try:
        entry = AuditEntry(**json.loads(line))
    except (TypeError, RecursionError) as error:
        raise ValueError("not an entry") from error
    texts = (entry.at, entry.event, entry.previous, entry.hash)
    if type(entry.number) is not int or not all(isinstance(text, str) for text in texts):
        raise ValueError("not an entry")
    return entry
