"""Makes key frames in a thread of its own, so that no frame waits for a network."""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from masquerade.core.errors import MasqueradeError
from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.stages.carry.look import Look
    from masquerade.stages.finished_face import FinishedFace
    from masquerade.stages.identity import Identity

__all__ = ["KeyFrameWorker", "Outcome", "Request"]

_JOIN_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A key frame that is wanted.

    Attributes:
        pixels: uint8 (H, W, 3) BGR, the frame; nobody may write to it any more.
        landmarks: float32 (478, 3) frame pixels.
        kps: float32 (5, 2) frame pixels.
        track_id: whose it is.
        donor: name of the donor.
        identity: the donor.
        look: how the face looked.
        seq: the frame's position in the stream.
        seconds: its time.
        epoch: of whoever asks: what was asked for in an earlier one is worth nothing.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    kps: NDArray[np.float32]
    track_id: int
    donor: str
    identity: Identity
    look: Look
    seq: int
    seconds: float
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: a finished face, or the error that prevented it."""

    request: Request
    finished: FinishedFace | None
    error: Exception | None


Make = Callable[[Request], "FinishedFace"]


class KeyFrameWorker(Closing):
    """One request is under way and at most one waits: a newer one takes its place.

    The thread starts with the first request and ends with :meth:`close`, or when nobody holds the
    worker any more. Methods are called from one other thread.

    Args:
        make: makes one finished face; called in the worker's thread alone.
        clock: seconds, monotonic; for :attr:`busy_s`.
    """

    def __init__(self, make: Make, clock: Callable[[], float] = time.perf_counter) -> None:
        self._desk = _Desk(make, clock)
        self._thread: threading.Thread | None = None
        self._closed = False
        self._end = weakref.finalize(self, self._desk.end)

    @property
    def under_way(self) -> Request | None:
        """The request that is being worked on."""
        return self._desk.under_way

    @property
    def waiting(self) -> Request | None:
        """The request that comes next."""
        return self._desk.waiting

    @property
    def share(self) -> float:
        """Share of the time that the networks may be at work, above 0 to 1: after each request of
        :meth:`ask` they rest for as long as that takes.
        """
        return self._desk.share

    @share.setter
    def share(self, value: float) -> None:
        self._desk.share = value

    @property
    def busy_s(self) -> float:
        """Seconds for which the networks have been at work, what is under way included."""
        return self._desk.busy_s()

    def ask(self, request: Request) -> None:
        """Have a key frame made; takes the place of a request that still waits."""
        self._start()
        self._desk.put(request)

    def make_now(self, request: Request) -> Outcome:
        """Have a key frame made and wait for it; what waited before is dropped."""
        self._start()
        return self._desk.put_and_wait(request)

    def do(self, action: Callable[[], None]) -> None:
        """Have something done in the worker's thread before its next request."""
        self._desk.add_action(action)

    def collect(self) -> list[Outcome]:
        """What has been finished since the last call, the oldest first; never waits."""
        return self._desk.collect()

    def drop_waiting(self) -> None:
        """Take back the request that still waits."""
        self._desk.put(None)

    def close(self) -> None:
        """End the thread; waits for the request that is under way. May be called twice."""
        self._closed = True
        self._end()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _start(self) -> None:
        if self._closed:
            raise MasqueradeError("The networks' thread is closed; make a new engine.")
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._desk.work, name="masquerade-networks", daemon=True
            )
            self._thread.start()


class _Desk:
    """What both threads share."""

    def __init__(self, make: Make, clock: Callable[[], float]) -> None:
        self._make, self._clock = make, clock
        self._changed = threading.Condition()
        self._actions: list[Callable[[], None]] = []
        self._outcomes: list[Outcome] = []
        self._ended = False
        self._busy_s = 0.0
        self._began_s: float | None = None
        self._rested_s = -math.inf
        self._hurry = False
        self.share = 1.0
        self.under_way: Request | None = None
        self.waiting: Request | None = None

    def put(self, request: Request | None) -> None:
        with self._changed:
            self.waiting = request
            self._changed.notify_all()

    def put_and_wait(self, request: Request) -> Outcome:
        with self._changed:
            self.waiting, self._hurry = request, True
            self._changed.notify_all()
            while True:
                for outcome in self._outcomes:
                    if outcome.request is request:
                        self._outcomes.remove(outcome)
                        return outcome
                if self._ended:
                    return Outcome(request, None, MasqueradeError("Closed while it waited."))
                self._changed.wait()

    def add_action(self, action: Callable[[], None]) -> None:
        with self._changed:
            self._actions.append(action)

    def collect(self) -> list[Outcome]:
        with self._changed:
            outcomes, self._outcomes = self._outcomes, []
            return outcomes

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self.waiting = None
            self._changed.notify_all()

    def busy_s(self) -> float:
        with self._changed:
            begun = 0.0 if self._began_s is None else self._clock() - self._began_s
            return self._busy_s + begun

    def work(self) -> None:
        """The thread: one request after the other, until the end."""
        while self._next():
            request = self.under_way
            assert request is not None
            outcome = self._outcome(request)
            with self._changed:
                self._outcomes.append(outcome)
                worked_s = self._clock() - (self._began_s or 0.0)
                self._busy_s += worked_s
                self._rested_s = self._clock() + worked_s * (1 / self.share - 1)
                self.under_way, self._began_s = None, None
                self._changed.notify_all()
            del request, outcome  # nobody holds a frame while waiting for the next one

    def _next(self) -> bool:
        """Wait for a request and begin it; False at the end."""
        with self._changed:
            while not (self._ended or self._is_due()):
                rest_s = self._rested_s - self._clock()
                self._changed.wait(rest_s if rest_s > 0 and self.waiting is not None else None)
            if self._ended:
                return False
            self.under_way, self.waiting, self._hurry = self.waiting, None, False
            self._began_s = self._clock()
            return True

    def _is_due(self) -> bool:
        """Whether a request waits and the rest is over, or nobody may rest."""
        if self.waiting is None:
            return False
        return self._hurry or self._clock() >= self._rested_s

    def _outcome(self, request: Request) -> Outcome:
        with self._changed:
            actions, self._actions = self._actions, []
        try:
            while actions:
                actions.pop(0)()
            return Outcome(request, self._make(request), None)
        except Exception as error:  # noqa: BLE001 - carried to the thread that asked
            return Outcome(request, None, error)
        finally:
            with self._changed:
                self._actions = actions + self._actions
