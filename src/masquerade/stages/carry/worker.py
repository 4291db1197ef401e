"""Makes key frames in threads of its own, so that no frame waits for a network."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence

from masquerade.core.errors import MasqueradeError
from masquerade.core.lifetimes import Closing
from masquerade.stages.carry.desk import Desk
from masquerade.stages.carry.request import Make, Outcome, Request

__all__ = ["KeyFrameWorker"]

_NAME = "masquerade-networks"
_JOIN_S = 30.0


class KeyFrameWorker(Closing):
    """One thread for each device. Each works on the requests of one frame, and those of at most one
    frame wait: newer ones take their place.

    The threads start with the first request and end with :meth:`close`, or when nobody holds the
    worker any more. Methods are called from one other thread.

    Args:
        make: makes the faces of one frame; called in the worker's threads alone.
        clock: seconds, monotonic; for rests.
        threads: how many frames are worked on at a time.
    """

    def __init__(
        self, make: Make, clock: Callable[[], float] = time.perf_counter, *, threads: int = 1
    ) -> None:
        self._desk = Desk(make, clock)
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._end = weakref.finalize(self, self._desk.end)

    @property
    def under_way(self) -> tuple[Request, ...]:
        """The requests that are being worked on."""
        return self._desk.under_way

    @property
    def waiting(self) -> tuple[Request, ...]:
        """The requests that come next."""
        return self._desk.waiting

    @property
    def share(self) -> float:
        """Share of the time that the networks may be at work, above 0 to 1: after the requests of
        an :meth:`ask` their thread rests for as long as that takes.
        """
        return self._desk.share

    @share.setter
    def share(self, value: float) -> None:
        self._desk.share = value

    def ask(self, requests: Sequence[Request]) -> None:
        """Have key frames of one frame made in one go; they take the place of what still waits."""
        self._start()
        self._desk.put(tuple(requests))

    def make_now(self, requests: Sequence[Request], *, together: bool = True) -> list[Outcome]:
        """Have key frames of one frame made and wait for them; what waited before is dropped.

        Args:
            requests: all of one frame.
            together: whether each thread gets an equal share of them in one go, which is right
                where a network takes several faces; else each takes the next one when it is free,
                so that the devices of swapper and enhancer both have something to do.

        Returns:
            One for each request, in their order.
        """
        self._start()
        one_by_one = self._count > 1 and not together
        count = len(requests) if one_by_one else self._count
        shares = [tuple(requests[place::count]) for place in range(count)]
        found = self._desk.put_and_wait([share for share in shares if share])
        by_request = {id(outcome.request): outcome for outcome in found}
        return [by_request[id(request)] for request in requests]

    def collect(self) -> list[Outcome]:
        """What has been finished since the last call, the oldest first; never waits."""
        return self._desk.collect()

    def drop_waiting(self) -> None:
        """Take back the requests that still wait."""
        self._desk.put()

    def close(self) -> None:
        """End the threads; waits for what is under way. May be called twice."""
        self._closed = True
        self._end()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_S)

    def _start(self) -> None:
        if self._closed:
            raise MasqueradeError("The networks' thread is closed; make a new engine.")
        for place in range(len(self._threads), self._count):
            name = _NAME if place == 0 else f"{_NAME}-{place + 1}"
            thread = threading.Thread(target=self._desk.work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
