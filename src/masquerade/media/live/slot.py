"""Where a reading thread leaves the newest picture."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import av

__all__ = ["Arrival", "Slot"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A decoded frame and the moment it came, seconds of ``time.perf_counter``."""

    frame: av.VideoFrame
    captured_s: float


class Slot:
    """Holds one arrival, the newest."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._arrival: Arrival | None = None

    def put(self, arrival: Arrival) -> None:
        """Leave an arrival; one that nobody took is forgotten."""
        with self._news:
            self._arrival = arrival
            self._news.notify_all()

    def take(self, ended: Callable[[], bool]) -> Arrival | None:
        """The newest arrival, once it is there; None where ``ended`` and nothing is left."""
        with self._news:
            while self._arrival is None and not ended():
                self._news.wait(0.1)
            arrival, self._arrival = self._arrival, None
            return arrival

    def peek(self) -> Arrival | None:
        """The newest arrival; it stays."""
        return self._arrival
