"""Whether several faces go through a network together: decided by what was measured."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Batching"]

_TRIALS = 3
"""Runs of either way before it is settled; the first of each warms up and does not count."""


class Batching:
    """Chooses between one run for all faces and one run for each.

    On a CPU together is no faster (inswapper: 4.2 times the time for 4 faces) and takes more
    memory; on a graphics card it is. Only the clock of the very machine tells.

    Args:
        mode: "always", "never", or "auto": both ways are tried on the first crowds of every size,
            and the faster one is kept.
        clock: seconds; for tests.
    """

    def __init__(
        self,
        mode: Literal["auto", "always", "never"] = "auto",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._mode = mode
        self._clock = clock
        self._times: dict[tuple[int, bool], list[float]] = {}

    def choose(self, count: int) -> bool:
        """Whether the next run takes ``count`` faces together."""
        if self._mode != "auto" or count < 2:
            return self._mode == "always" and count > 1
        apart, together = (self._times.get((count, way), []) for way in (False, True))
        if len(apart) < _TRIALS:
            return False
        if len(together) < _TRIALS:
            return True
        return min(together[1:]) < min(apart[1:])

    @contextmanager
    def timed(self, count: int, together: bool) -> Iterator[None]:
        """Measure a run of ``count`` faces; what fails is not counted."""
        began = self._clock()
        yield
        times = self._times.setdefault((count, together), [])
        if len(times) < _TRIALS:
            times.append(self._clock() - began)
