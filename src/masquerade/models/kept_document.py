"""A JSON file that several processes may change: locked while it is changed, replaced whole."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from masquerade.core.errors import OutputError
from masquerade.core.whole_file import write_whole

__all__ = ["changing", "locked", "read_document", "write_document"]

_POLL_S = 0.1
_LOCKED = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


def read_document(path: Path) -> dict[str, Any]:
    """The document, empty where there is none.

    Raises:
        ValueError: it is damaged.
        OSError: it cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("not a document")
    return document


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Replace the file as a whole: a reader sees the old one or the new one.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(document, indent=1, ensure_ascii=False))
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); check permissions and free space."
        ) from error


@contextmanager
def changing(path: Path) -> Iterator[dict[str, Any]]:
    """The document to change; it is written when the context ends without an error.

    Raises:
        ValueError: it is damaged.
        OSError: it cannot be read.
        OutputError: it cannot be written.
    """
    with locked(path.with_name(path.name + ".lock")):
        document = read_document(path)
        yield document
        write_document(path, document)


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file ``path``; a process that dies lets it go.

    Args:
        path: of the lock; it and its folder are made.
        waiting: called once, where another process holds it.

    Raises:
        OutputError: the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, _LOCKED, 0o600), "a+b")
    except OSError as error:
        raise OutputError(
            f"{path.parent} cannot be written to ({error.strerror}); "
            "set MASQUERADE_HOME or MASQUERADE_MODELS to a folder of yours."
        ) from error
    with file:
        while not _try_lock(file.fileno()):
            if waiting is not None:
                waiting()
                waiting = None
            time.sleep(_POLL_S)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        """Closing the file lets the lock go."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        """Closing the file lets the lock go."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
