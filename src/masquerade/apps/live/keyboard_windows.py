"""The keyboard of a Windows console."""

from __future__ import annotations

import sys
import threading
from typing import TextIO

if sys.platform == "win32":
    import msvcrt

__all__ = ["Keyboard"]

_POLL_S = 0.05  # the console offers no way to wait for a key that can be broken off
_LEADS = ("\x00", "\xe0")
_SEQUENCES = {"H": "\x1b[A", "P": "\x1b[B", "M": "\x1b[C", "K": "\x1b[D", "\x85": "\x1b[23~"}


class Keyboard:
    """Reads what is typed, as it is typed; the console's mode need not be changed for that."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    @classmethod
    def of(cls, stream: TextIO | None) -> Keyboard | None:
        """The keyboard behind ``stream``; None where that is no console."""
        return cls() if stream is not None and stream.isatty() else None

    def open(self) -> bool:
        """There is nothing to prepare."""
        return True

    def close(self) -> None:
        """End the reading."""
        self._closed.set()

    def read(self) -> str | None:
        """The key that is pressed next, as a POSIX terminal would send it; None once closed."""
        if sys.platform == "win32":
            while not self._closed.wait(_POLL_S):
                if msvcrt.kbhit():
                    sign = msvcrt.getwch()
                    return _SEQUENCES.get(msvcrt.getwch(), "") if sign in _LEADS else sign
        return None
