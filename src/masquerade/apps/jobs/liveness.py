"""Who works on a job, and whether that process is still there.

A worker's name is ``HOST/PROCESS/BEGUN``. Of a process on this machine the system knows; one on
another machine that shares the store is held to be alive while it is heard of.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass

import psutil

__all__ = ["SILENCE_S", "WorkerName"]

SILENCE_S = 60.0
"""A worker on another machine that was not heard of for this long is given up."""
_SAME_S = 5.0  # a process's beginning is told to within a second or two, whenever it is asked


@dataclass(frozen=True, slots=True)
class WorkerName:
    """A process among those of all machines.

    Attributes:
        host: name of the machine.
        process: its number.
        begun: when it began, seconds since 1970: numbers are used again.
    """

    host: str
    process: int
    begun: float

    @classmethod
    def own(cls) -> WorkerName:
        """This process."""
        return cls(platform.node(), os.getpid(), psutil.Process().create_time())

    @classmethod
    def read(cls, text: str) -> WorkerName:
        """What ``str`` made of a name; a text that is none becomes nobody."""
        try:
            host, process, begun = text.rsplit("/", 2)
            return cls(host, int(process), float(begun))
        except ValueError:
            return cls("", -1, 0.0)

    def __str__(self) -> str:
        return f"{self.host}/{self.process}/{self.begun:.2f}"

    def is_alive(self, heard_s: float, now_s: float | None = None) -> bool:
        """Whether the process is there.

        Args:
            heard_s: when it last wrote into the store, seconds since 1970.
            now_s: the present, by default.
        """
        if self.host != platform.node():
            return (time.time() if now_s is None else now_s) - heard_s < SILENCE_S
        try:
            process = psutil.Process(self.process)
            same = abs(process.create_time() - self.begun) < _SAME_S
            return same and bool(process.status() != psutil.STATUS_ZOMBIE)
        except (psutil.Error, ValueError):
            return False
