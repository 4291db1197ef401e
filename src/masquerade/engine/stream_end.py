"""When a live stream is over."""

from __future__ import annotations

import threading
import time

__all__ = ["StreamEnd"]

_ASKED_S = 0.05


class StreamEnd:
    """The end of a stream: asked for by anybody, or come by itself."""

    def __init__(self) -> None:
        self.asked = False
        self._come = threading.Event()

    def ask(self) -> None:
        """Ask for it. Takes no lock: a signal's handler may interrupt a thread that holds it."""
        self.asked = True

    def come(self) -> None:
        """It is here."""
        self._come.set()

    def wait(self, timeout_s: float) -> bool:
        """Sleep until it was asked for or is here, or the time is over; whether it is."""
        end_s = time.monotonic() + timeout_s
        while not (self.asked or self._come.is_set()):
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            self._come.wait(min(left_s, _ASKED_S))
        return True
