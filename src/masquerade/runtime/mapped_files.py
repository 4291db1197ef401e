"""Files that a library has mapped into memory and has read for the last time.

OpenVINO and ONNX Runtime map the weights and pack them into layouts of their own; the mapped pages
then count as memory of the process although nobody reads them again. Linux can be told to let go
of such pages. They stay valid: whoever does read them has them read from the file once more.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["let_go_of_mapped"]

_MADV_DONTNEED = 4


def let_go_of_mapped(folder: Path) -> int:
    """Let go of the pages of all files of a folder that are mapped and were not changed in memory.

    Returns:
        Bytes of the mappings; 0 on systems other than Linux.
    """
    if not sys.platform.startswith("linux"):
        return 0
    inside = str(folder.resolve()) + os.sep
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    total = 0
    for begin, end in _clean_mappings(inside):
        if advise(begin, end - begin, _MADV_DONTNEED) == 0:
            total += end - begin
    return total


def _clean_mappings(inside: str) -> list[tuple[int, int]]:
    """Addresses of mapped files of a folder of which the process has changed nothing."""
    found = []
    place: tuple[int, int] | None = None
    for line in Path("/proc/self/smaps").read_text().splitlines():
        # A mapping begins with "begin-end rights offset device inode path"; see proc_pid_smaps(5).
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and "-" in parts[0] and not parts[0].endswith(":"):
            begin, end = (int(number, 16) for number in parts[0].split("-"))
            place = (begin, end) if parts[5].startswith(inside) else None
        elif place is not None and parts[0] == "Anonymous:":  # pages of its own, by writing
            if int(parts[1]) == 0:
                found.append(place)
            place = None
    return found
