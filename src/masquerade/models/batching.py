"""Whether several faces go through a network together: decided by what was measured."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from masquerade.core.errors import MemoryBudgetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Batching"]

_APART = ("cpu", "openvino")
"""Providers on which several faces together were measured to be no quicker than one by one."""
_TRIALS = 3
"""Runs of either way before it is settled; the first of each warms up and does not count."""
_MOST = 16
"""Faces in one run: memory grows with each of them, and the gain does not any more."""

_Result = TypeVar("_Result")


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
        self._refused: int | None = None

    @classmethod
    def on(cls, provider: str) -> Batching:
        """As it is right for a provider: never on processors, else by the clock."""
        return cls("never" if provider in _APART else "auto")

    def may_gain(self, count: int) -> bool:
        """Whether it is worth while to bring ``count`` faces together: it is not known to be no
        quicker.
        """
        if count < 2 or self._mode == "never" or self._is_refused(count):
            return False
        return self._mode == "always" or self._is_quicker(count) is not False

    def choose(self, count: int) -> bool:
        """Whether the next run takes ``count`` faces together."""
        if not self.may_gain(count):
            return False
        return self._mode == "always" or len(self._times.get((count, False), [])) >= _TRIALS

    def run(self, count: int, run: Callable[[slice], _Result], *, able: bool) -> list[_Result]:
        """Work through all faces, together or one by one.

        Where there is not enough memory for them together, they are taken one by one from then on.

        Args:
            count: of faces.
            run: works on those from start to stop.
            able: whether the network takes several at a time.

        Returns:
            What the runs gave, in order.

        Raises: what ``run`` raises.
        """
        if able and self.choose(count):
            try:
                with self.timed(count, together=True):
                    starts = range(0, count, _MOST)
                    return [run(slice(at, min(at + _MOST, count))) for at in starts]
            except MemoryBudgetError:
                self._refused = count
        with self.timed(count, together=False):
            return [run(slice(at, at + 1)) for at in range(count)]

    @contextmanager
    def timed(self, count: int, together: bool) -> Iterator[None]:
        """Measure a run of ``count`` faces; what fails is not counted."""
        began = self._clock()
        yield
        times = self._times.setdefault((count, together), [])
        if len(times) < _TRIALS:
            times.append(self._clock() - began)

    def _is_quicker(self, count: int) -> bool | None:
        """Whether together was quicker; None while both ways are being tried."""
        apart, together = (self._times.get((count, way), []) for way in (False, True))
        if len(apart) < _TRIALS or len(together) < _TRIALS:
            return None
        return min(together[1:]) < min(apart[1:])

    def _is_refused(self, count: int) -> bool:
        return self._refused is not None and min(count, _MOST) >= min(self._refused, _MOST)
