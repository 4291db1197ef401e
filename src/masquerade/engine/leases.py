"""Who uses which networks, and when those that nobody uses are let go.

Engines of a process share networks. One that nobody uses any more stays loaded for a while, since
the next picture often comes soon; it goes after that time, or at once where memory is asked for
that would not fit beside it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from masquerade.runtime.budget import device_budget, process_budget

__all__ = ["Leases", "shared_leases"]


@dataclass(slots=True)
class _Held:
    model: Any
    users: int = 0
    idle_until_s: float = 0.0


class Leases:
    """Counts users of shared models. May be used from several threads.

    Args:
        close: lets a model go.
        clock: seconds, monotonic.
    """

    def __init__(
        self, close: Callable[[Any], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._close, self._clock = close, clock
        self._held: dict[int, _Held] = {}
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None

    def take(self, models: Iterable[Any]) -> None:
        """Somebody uses these from now on."""
        with self._lock:
            for model in models:
                self._held.setdefault(id(model), _Held(model)).users += 1

    def give_back(self, models: Iterable[Any], idle_s: float) -> None:
        """Somebody uses these no more; those that nobody else uses go after ``idle_s`` seconds."""
        with self._lock:
            for model in models:
                held = self._held[id(model)]
                held.users -= 1
                held.idle_until_s = self._clock() + idle_s
        self.close_overdue()

    def close_idle(self) -> None:
        """Let go at once of all that nobody uses."""
        self._close_until(math.inf)

    def close_overdue(self) -> None:
        """Let go of what nobody has used for its time, and come back when the next is due."""
        now_s = self._clock()
        self._close_until(now_s)
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            idle = [held.idle_until_s for held in self._held.values() if not held.users]
            if idle:
                self._timer = threading.Timer(max(0.0, min(idle) - now_s), self.close_overdue)
                self._timer.name, self._timer.daemon = "idle-networks", True
                self._timer.start()

    def _close_until(self, now_s: float) -> None:
        with self._lock:
            gone = [h for h in self._held.values() if not h.users and h.idle_until_s <= now_s]
            for held in gone:
                del self._held[id(held.model)]
                self._close(held.model)


@cache
def shared_leases() -> Leases:
    """Those of the process; its budgets have what is idle let go before they refuse anybody."""
    from masquerade.models.opening import close_model

    leases = Leases(close_model)
    process_budget().relieve_with(leases.close_idle)
    device_budget().relieve_with(leases.close_idle)
    return leases
