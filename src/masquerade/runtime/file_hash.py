"""SHA-256 of large files, computed once as long as a file does not change."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

__all__ = ["hash_file"]

_MOST = 256
_LOCK = threading.Lock()
_KNOWN: dict[tuple[int, ...], str] = {}


def hash_file(path: Path) -> str:
    """SHA-256 in hexadecimal. A file is the same while its number, size and times of change are.

    Half a gigabyte takes about a third of a second, so it is read once per process.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        status = path.stat()
        times = status.st_mtime_ns, status.st_ctime_ns
        same = (status.st_dev, status.st_ino, status.st_size, *times)
        with _LOCK:
            known = _KNOWN.get(same)
        if known is not None:
            return known
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with _LOCK:
        while len(_KNOWN) >= _MOST:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[same] = digest
    return digest
