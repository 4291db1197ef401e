"""Where requests for key frames lie until a thread takes them, and their outcomes after that."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from masquerade.core.errors import MasqueradeError
from masquerade.stages.carry.request import Make, Outcome, Request

__all__ = ["Desk"]

Job = tuple[Request, ...]
"""Requests that one thread works on together."""


class Desk:
    """What the thread that asks and those that work share.

    Args:
        make: makes the faces of a job.
        clock: seconds, monotonic.

    Attributes:
        share: of the time that each thread may be at work, above 0 to 1.
    """

    def __init__(self, make: Make, clock: Callable[[], float]) -> None:
        self._make, self._clock = make, clock
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._under_way: dict[str, tuple[Job, float]] = {}
        self._outcomes: list[Outcome] = []
        self._ended = False
        self._rested_s: dict[str, float] = {}
        self._hurry = False
        self.share = 1.0

    @property
    def under_way(self) -> Job:
        """What is being worked on, by whichever thread."""
        with self._changed:
            return tuple(item for job, _ in self._under_way.values() for item in job)

    @property
    def waiting(self) -> Job:
        """What comes next."""
        with self._changed:
            return tuple(request for job in self._waiting for request in job)

    def put(self, *jobs: Job) -> None:
        """Take the place of what still waits."""
        with self._changed:
            self._waiting = list(jobs)
            self._changed.notify_all()

    def put_and_wait(self, jobs: Sequence[Job]) -> list[Outcome]:
        """As :meth:`put`, at once, and wait for all of them; in their order."""
        requests = [request for job in jobs for request in job]
        with self._changed:
            self._waiting, self._hurry = list(jobs), True
            self._changed.notify_all()
            found: dict[int, Outcome] = {}
            while len(found) < len(requests) and not self._ended:
                found.update(self._take_outcomes(requests))
                if len(found) < len(requests) and not self._ended:
                    self._changed.wait()
        closed = MasqueradeError("The networks were closed meanwhile; make a new engine.")
        return [found.get(id(item)) or Outcome(item, None, closed) for item in requests]

    def collect(self) -> list[Outcome]:
        """What has been finished since the last call, the oldest first."""
        with self._changed:
            outcomes, self._outcomes = self._outcomes, []
            return outcomes

    def end(self) -> None:
        """Have the threads end after what is under way."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify_all()

    def work(self) -> None:
        """A thread: one job after the other, until the end."""
        own = threading.current_thread().name
        while (job := self._next(own)) is not None:
            outcomes = self._outcomes_of(job)
            with self._changed:
                self._outcomes += outcomes
                _, began_s = self._under_way.pop(own)
                worked_s = self._clock() - began_s
                self._rested_s[own] = self._clock() + worked_s * (1 / self.share - 1)
                self._changed.notify_all()
            del job, outcomes  # nobody holds a frame while waiting for the next one

    def _next(self, own: str) -> Job | None:
        """Wait for a job and begin it; None at the end."""
        with self._changed:
            while not (self._ended or self._is_due(own)):
                rest_s = self._rested_s.get(own, -math.inf) - self._clock()
                self._changed.wait(rest_s if rest_s > 0 and self._waiting else None)
            if self._ended:
                return None
            job = self._waiting.pop(0)
            self._hurry = self._hurry and bool(self._waiting)
            self._under_way[own] = (job, self._clock())
            return job

    def _is_due(self, own: str) -> bool:
        """Whether a job may begin: there is one, and its thread has rested."""
        rested = self._hurry or self._clock() >= self._rested_s.get(own, -math.inf)
        return bool(self._waiting) and rested

    def _outcomes_of(self, job: Job) -> list[Outcome]:
        try:
            return [Outcome.of(*pair) for pair in zip(job, self._make(job), strict=True)]
        except Exception as error:  # noqa: BLE001 - carried to the thread that asked
            return [Outcome(request, None, error) for request in job]

    def _take_outcomes(self, requests: Sequence[Request]) -> dict[int, Outcome]:
        wanted = {id(request) for request in requests}
        taken = {id(o.request): o for o in self._outcomes if id(o.request) in wanted}
        self._outcomes = [o for o in self._outcomes if id(o.request) not in wanted]
        return taken
