"""A clock that only moves when a test says so."""

from __future__ import annotations

import threading

__all__ = ["FakeClock"]


class FakeClock:
    """Stands in for ``time.perf_counter``, ``time.monotonic`` and their ``_ns`` forms.

    >>> clock = FakeClock()
    >>> clock.advance(0.25)
    >>> clock(), clock.now_ns()
    (0.25, 250000000)
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Seconds."""
        return self.now_ns() / 1e9

    def now_ns(self) -> int:
        """Nanoseconds, never less than before."""
        with self._lock:
            return self._now_ns

    def advance(self, seconds: float) -> None:
        """Move on.

        Raises:
            ValueError: backwards.
        """
        if seconds < 0:
            raise ValueError("a monotonic clock does not go back")
        with self._lock:
            self._now_ns += round(seconds * 1e9)
