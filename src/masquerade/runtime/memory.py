"""What memory the process takes and the machine has left, and how it gets back what was freed."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

import psutil

__all__ = ["free_machine_bytes", "peak_resident_bytes", "resident_bytes", "return_freed_memory"]

_CGROUP = Path("/sys/fs/cgroup")


def return_freed_memory() -> None:
    """Give what was freed back to the system, where the C library keeps it (glibc).

    Enrolling a donor frees over 100 MB of large arrays that glibc would keep to itself for the
    rest of the process, beside the memory of the video. Costs a few milliseconds.
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident_bytes() -> int:
    """Memory of this process that is really there, as the system counts it."""
    return int(psutil.Process().memory_info().rss)


def peak_resident_bytes() -> int:
    """The most memory that this process ever had, by the system's own count; 0 where it has none
    that can be trusted.

    Not ``getrusage``: Linux hands its ``ru_maxrss`` down from the program that started this one.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    return 0


def free_machine_bytes(cgroup: Path = _CGROUP) -> int:
    """Memory that can still be taken without swapping: of the machine, and of the container.

    Args:
        cgroup: where Linux tells a container its own limit; caches of files count as free.
    """
    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError, KeyError):
        granted = int((cgroup / "memory.max").read_text())  # "max" where there is no limit
        taken = int((cgroup / "memory.current").read_text())
        words = (cgroup / "memory.stat").read_text().split()
        statistics = dict(zip(words[::2], words[1::2], strict=False))
        caches = int(statistics["inactive_file"])
        free = min(free, max(0, granted - taken + caches))
    return free
