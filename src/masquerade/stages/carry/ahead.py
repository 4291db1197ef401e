"""Faces of the next frames are begun before those of the last one are finished."""

from __future__ import annotations

import collections
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from masquerade.core.errors import MasqueradeError
from masquerade.core.lifetimes import Closing
from masquerade.stages.carry.request import MakeInTurn, Outcome, Request
from masquerade.stages.carry.turnstile import Turn, Turnstile

__all__ = ["Ahead"]

_NAME = "masquerade-frames"


class Ahead(Closing):
    """Threads that make every face of every frame, several frames at a time.

    The threads start with the first frame and end with :meth:`close`, or when nobody holds this
    any more. ``begin`` is called from one thread.

    Args:
        make: makes the faces of one frame, step by step as its turn allows.
        turnstile: gives out the turns.
        depth: how many frames are worked on at a time.
    """

    def __init__(self, make: MakeInTurn, turnstile: Turnstile, depth: int) -> None:
        self._make, self._turnstile, self.depth = make, turnstile, depth
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False
        self._finished: collections.deque[Outcome] = collections.deque()

    def begin(
        self, requests: Sequence[Request], *, together: bool = True
    ) -> Callable[[], list[Outcome]]:
        """Have the faces of one frame made.

        Args:
            requests: all of one frame.
            together: whether they go through the networks in one go; else they follow each other
                as the faces of several frames do.

        Returns:
            A function that waits for them: one outcome for each, in their order.

        Raises:
            MasqueradeError: this was closed.
        """
        shares = [tuple(requests)] if together else [(request,) for request in requests]
        with self._lock:
            if self._closed:
                raise MasqueradeError("The networks' threads are closed; make a new engine.")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.depth, thread_name_prefix=_NAME)
                weakref.finalize(self, self._pool.shutdown, wait=False)
            begun = [
                self._pool.submit(_made, self._make, self._turnstile.take(), share, self._finished)
                for share in shares
            ]
        return lambda: [outcome for future in begun for outcome in future.result()]

    def collect(self) -> list[Outcome]:
        """What has been finished since the last call, the oldest first; never waits."""
        found = []
        while self._finished:
            found.append(self._finished.popleft())
        return found

    def close(self) -> None:
        """End the threads after what was begun; may be called twice."""
        with self._lock:
            self._closed = True
            pool = self._pool
        if pool is not None:
            pool.shutdown()


def _made(
    make: MakeInTurn,
    turn: Turn,
    requests: tuple[Request, ...],
    finished: collections.deque[Outcome],
) -> list[Outcome]:
    """Runs in one of the threads."""
    try:
        with turn:
            made = make(requests, turn)
        outcomes = [Outcome.of(*pair) for pair in zip(requests, made, strict=True)]
    except Exception as error:  # noqa: BLE001 - carried to whoever waits for the frame
        outcomes = [Outcome(request, None, error) for request in requests]
    finished.extend(outcomes)
    return outcomes
