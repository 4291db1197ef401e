"""Who uses which brought networks, so that those nobody uses can go when memory is wanted.

Engines of a process share networks. One that nobody uses any more stays loaded, since the next
picture often comes soon: the loader lets its memory go after ``Execution.idle_s``, and it goes at
once where memory is asked for that would not fit beside it.
"""

from __future__ import annotations

import threading
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


class Leases:
    """Counts users of shared models. May be used from several threads.

    Args:
        close: lets a model go.
    """

    def __init__(self, close: Callable[[Any], None]) -> None:
        self._close = close
        self._held: dict[int, _Held] = {}
        self._lock = threading.RLock()

    def take(self, models: Iterable[Any]) -> None:
        """Somebody uses these from now on."""
        with self._lock:
            for model in models:
                self._held.setdefault(id(model), _Held(model)).users += 1

    def give_back(self, models: Iterable[Any], *, at_once: bool = False) -> None:
        """Somebody uses these no more.

        Args:
            models: as they were taken.
            at_once: let go of those that nobody else uses.
        """
        with self._lock:
            given = [self._held[id(model)] for model in models]
            for held in given:
                held.users -= 1
            if at_once:
                self._let_go(given)

    def close_idle(self) -> None:
        """Let go of all that nobody uses."""
        with self._lock:
            self._let_go(list(self._held.values()))

    def _let_go(self, candidates: list[_Held]) -> None:
        for held in candidates:
            if not held.users and self._held.pop(id(held.model), None) is not None:
                self._close(held.model)


@cache
def shared_leases() -> Leases:
    """Those of the process; its budgets have what is idle let go before they refuse anybody."""
    from masquerade.models.opening import close_model

    leases = Leases(close_model)
    process_budget().relieve_with(leases.close_idle)
    device_budget().relieve_with(leases.close_idle)
    return leases
