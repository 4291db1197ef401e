"""Small files of ours: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes | str) -> None:
    """Replace a file as a whole, readable by its owner alone (0600).

    Args:
        path: the file; its folder is there.
        data: what it holds afterwards; text is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    # mkstemp opens with 0600, and replacing a file on the same disk is all or nothing.
    handle, name = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
