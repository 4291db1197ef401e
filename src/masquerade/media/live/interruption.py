"""Ends FFmpeg's waiting for a network from another thread.

PyAV 18 and 19 let FFmpeg wait for data until a time-out that is fixed before the wait begins;
neither has a call that ends it earlier, and a container must not be closed while a thread reads
it. FFmpeg asks every tenth of a second whether to go on, and PyAV answers by the clock. Here the
clock leaps forward, for the one thread that is to stop. Should a later PyAV read its clock
elsewhere, the time-out itself still ends the wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import av.container.core

__all__ = ["interruptible"]

_LEAP_S = 1e6


class _Clock:
    """Stands in for the module ``time`` within PyAV's containers."""

    def __init__(self) -> None:
        self.stops: dict[int, threading.Event] = {}
        self._leaps = count(1)

    def monotonic(self) -> float:
        """Seconds; in a thread that is to stop, each call is much later than the one before."""
        stop = self.stops.get(threading.get_ident())
        if stop is None or not stop.is_set():
            return time.monotonic()
        return time.monotonic() + next(self._leaps) * _LEAP_S

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


_clock = _Clock()


@contextmanager
def interruptible(stop: threading.Event) -> Iterator[None]:
    """Within the block, containers that have a time-out stop waiting when ``stop`` is set.

    They then raise ``av.error.ExitError``, within about a tenth of a second.
    """
    setattr(av.container.core, "time", _clock)  # noqa: B010 - it is no part of PyAV's interface
    ident = threading.get_ident()
    _clock.stops[ident] = stop
    try:
        yield
    finally:
        del _clock.stops[ident]
