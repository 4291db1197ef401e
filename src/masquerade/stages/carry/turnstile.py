"""Lets several frames be worked on at a time, each step of the work in the order of the frames.

A face that networks draw is cut on the processor, drawn on a device, and finished on the processor
again. One thread that does all of it leaves the device idle for half of the time, so several
threads do it, each with another frame. Some steps remember the frame before (where a hand was, how
the points trembled); they see the frames one by one and in order, so the pictures are those of one
thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

__all__ = ["AT_WILL", "Steps", "Turn", "Turnstile"]

_RECENT = 0.2
"""Weight of the newest duration of a step in its mean."""


class Steps(Protocol):
    """What whoever makes faces asks before each step."""

    def step(self, name: str, width: int = 1) -> AbstractContextManager[None]:
        """Within the block the step ``name`` is done by at most ``width`` frames at a time, the
        earlier ones first.
        """
        ...


class _AtWill:
    """For faces that are made one after the other anyhow."""

    def step(self, name: str, width: int = 1) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()


AT_WILL: Steps = _AtWill()
"""Every step at once, for whoever works in one thread."""


class Turnstile:
    """Gives out turns, whose steps are then done in the order of the turns.

    Args:
        clock: seconds, monotonic; for :attr:`pace_s`.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._actions: list[Callable[[], None]] = []
        self._turns: list[Turn] = []
        self._measured = False
        self._means_s: dict[str, float] = {}
        self._spent_s: dict[str, float] = {}

    @property
    def pace_s(self) -> float:
        """Seconds from one frame to the next where enough threads work: what the slowest step
        takes of late, shared by all that may do it at a time. 0 before the first turn has ended.
        """
        with self._changed:
            return max(self._means_s.values(), default=0.0) if self._measured else 0.0

    @property
    def busy_s(self) -> float:
        """Seconds for which the step that has taken the longest in all was being done so far, what
        is under way included; shared by all that may do it at a time.
        """
        with self._changed:
            spent_s, now_s = dict(self._spent_s), self._clock()
            for turn in self._turns:
                for name, (began_s, width) in turn.under_way.items():
                    spent_s[name] = spent_s.get(name, 0.0) + (now_s - began_s) / width
            return max(spent_s.values(), default=0.0)

    def do(self, action: Callable[[], None]) -> None:
        """Have something done at the beginning of the next turn, once all before it have ended."""
        with self._changed:
            self._actions.append(action)

    def take(self) -> Turn:
        """The next turn; it has to be begun with ``with``, in whichever thread, or the later ones
        wait for ever.
        """
        with self._changed:
            turn = Turn(self, self._actions)
            self._actions = []
            self._turns.append(turn)
            return turn

    def _begin(self, turn: Turn) -> None:
        if not turn.actions:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._turns[0] is turn)
        while turn.actions:
            try:
                turn.actions[0]()
            finally:
                del turn.actions[0]  # what fails is not done again
        with self._changed:
            self._changed.notify_all()

    def _enter(self, turn: Turn, name: str, width: int) -> None:
        with self._changed:
            if name not in turn.passed:
                self._changed.wait_for(lambda: self._is_free(turn, name, width))
            turn.under_way[name] = self._clock(), width

    def _leave(self, turn: Turn, name: str) -> None:
        with self._changed:
            turn.passed.add(name)
            began_s, width = turn.under_way.pop(name)
            seconds = (self._clock() - began_s) / width
            mean_s = self._means_s.get(name, seconds)
            self._means_s[name] = mean_s + _RECENT * (seconds - mean_s)
            self._spent_s[name] = self._spent_s.get(name, 0.0) + seconds
            self._changed.notify_all()

    def _end(self, turn: Turn) -> None:
        with self._changed:
            self._turns.remove(turn)
            self._measured = self._measured or bool(turn.passed)
            self._actions[:0] = turn.actions  # those after one that has failed
            self._changed.notify_all()

    def _is_free(self, turn: Turn, name: str, width: int) -> bool:
        """Whether fewer than ``width`` earlier turns have this step ahead of them or are at it,
        and none of them has anything to do that must be done alone.
        """
        earlier = self._turns[: self._turns.index(turn)]
        ahead = sum(name not in other.passed for other in earlier)
        return ahead < width and not any(other.actions for other in earlier)


class Turn:
    """One frame's way through the steps; a context manager, to be entered once."""

    def __init__(self, turnstile: Turnstile, actions: list[Callable[[], None]]) -> None:
        self._turnstile = turnstile
        self.actions = actions
        self.passed: set[str] = set()
        self.under_way: dict[str, tuple[float, int]] = {}

    def __enter__(self) -> Turn:
        try:
            self._turnstile._begin(self)
        except BaseException:
            self._turnstile._end(self)
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._turnstile._end(self)

    @contextmanager
    def step(self, name: str, width: int = 1) -> Iterator[None]:
        """See :class:`Steps`. A step that this turn has passed already may be done again at once:
        faces that failed are made anew.
        """
        self._turnstile._enter(self, name, width)
        try:
            yield
        finally:
            self._turnstile._leave(self, name)
