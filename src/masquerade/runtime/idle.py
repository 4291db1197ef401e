"""Networks that nobody uses give their memory back, and are loaded again when they are needed."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MemoryBudgetError, ModelError
from masquerade.core.lifetimes import Closing
from masquerade.runtime.budget import process_budget
from masquerade.runtime.memory import return_freed_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.network import Port
    from masquerade.runtime.opened import Opened

__all__ = ["IdleNetwork", "IdleWatch", "idle_watch"]

_LOOK_EVERY_S = 5.0
_UNUSED_S = 2.0
"""Unused for so long, a network is let go early where another needs the memory."""


class IdleNetwork(Closing):
    """A network that lets its memory go while it is not used.

    It is a :class:`~masquerade.runtime.opened.LoadedNetwork`. Several threads may run it at a
    time; while it is loaded again they wait.

    Args:
        open_: loads the network; called now, and again after it was let go.
        idle_s: seconds without a run after which it is let go; 0 keeps it.
        watch: who looks after the time; None takes the one of the process.

    Raises: what ``open_`` raises.
    """

    def __init__(
        self, open_: Callable[[], Opened], *, idle_s: float, watch: IdleWatch | None = None
    ) -> None:
        self._open, self._idle_s = open_, idle_s
        self._watch = idle_watch() if watch is None else watch
        self._lock = threading.Lock()  # of what is below; held while it is loaded
        self._under_way = 0
        self._closed = False
        opened = open_()
        self._opened: Opened | None = opened
        self._used_s = self._watch.now_s()
        self.input_ports: tuple[Port, ...] = opened.input_ports
        self.output_ports: tuple[Port, ...] = opened.output_ports
        self.provider: str = opened.provider
        self.precision: str = opened.precision
        self.devices: frozenset[str] = opened.devices
        self.notices: tuple[str, ...] = opened.notices
        self._watch.add(self)

    @property
    def loaded(self) -> bool:
        """Whether it takes memory now."""
        return self._opened is not None

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Results in the order of :attr:`output_ports`; loads the network where it was let go.

        Where the memory of a device ran out, others are let go and it is tried once more.

        Raises:
            ModelError: it failed while running, or it is closed.
            MemoryBudgetError: there was not enough memory.
        """
        with self._in_use() as opened:
            try:
                return opened.run(feeds)
            except MemoryBudgetError:
                self._watch.let_go_of_unused()
                return_freed_memory()
                return opened.run(feeds)

    def placement(self) -> Mapping[str, int]:
        """How many nodes each provider runs, by short name."""
        with self._in_use() as opened:
            return opened.placement()

    def let_go(self, unused_s: float | None = None) -> bool:
        """Let the memory go if it was not used for so long and nobody uses it now.

        Args:
            unused_s: seconds; None takes those that were given at the start.

        Returns:
            Whether it was let go.
        """
        limit_s = self._idle_s if unused_s is None else unused_s
        if unused_s is None and not self._idle_s:
            return False
        if not self._lock.acquire(blocking=False):
            return False  # it is being loaded, so it is about to be used
        try:
            opened = self._opened
            if opened is None or self._under_way or self._watch.now_s() - self._used_s < limit_s:
                return False
            self._opened = None
        finally:
            self._lock.release()
        opened.close()
        return True

    def close(self) -> None:
        """Let it go for good, once the runs under way have ended; may be called twice."""
        with self._lock:
            self._closed = True
            opened, self._opened = self._opened, None
        self._watch.remove(self)
        if opened is not None:
            opened.close()

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[Opened]:
        with self._lock:
            if self._closed:
                raise ModelError("The network was closed; load it again.")
            if self._opened is None:
                self._opened = self._open()
            opened = self._opened
            self._under_way += 1
        try:
            yield opened
        finally:
            with self._lock:
                self._under_way -= 1
                self._used_s = self._watch.now_s()


class IdleWatch(Closing):
    """Looks every few seconds which networks are not used.

    Its thread is called ``masquerade-idle``; it runs while there are networks to look after, and
    ends with :meth:`close` or when the last is closed.

    Args:
        clock: seconds, monotonic.
        threaded: False leaves it to the caller to call :meth:`look`.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, threaded: bool = True
    ) -> None:
        self._clock, self._threaded = clock, threaded
        self._networks: weakref.WeakSet[IdleNetwork] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def now_s(self) -> float:
        """What its clock shows."""
        return self._clock()

    def add(self, network: IdleNetwork) -> None:
        """Look after a network from now on."""
        with self._lock:
            self._networks.add(network)
            if self._threaded and (self._thread is None or not self._thread.is_alive()):
                self._ended.clear()
                self._thread = threading.Thread(
                    target=self._watch, name="masquerade-idle", daemon=True
                )
                self._thread.start()

    def remove(self, network: IdleNetwork) -> None:
        """Look after it no more."""
        with self._lock:
            self._networks.discard(network)
            if not self._networks:
                self._ended.set()

    def look(self) -> int:
        """Let go of the networks whose time is over; how many were."""
        return sum(network.let_go() for network in self._all())

    def let_go_of_unused(self) -> None:
        """Let go of every network that nobody has used just now, since memory is short."""
        for network in self._all():
            network.let_go(_UNUSED_S)

    def close(self) -> None:
        """End the thread; may be called twice. The networks stay."""
        self._ended.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _all(self) -> list[IdleNetwork]:
        with self._lock:
            return list(self._networks)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            self.look()
            with self._lock:
                if not self._networks:  # they were dropped without being closed
                    self._thread = None
                    return


_watch_lock = threading.Lock()
_process_watch: list[IdleWatch] = []


def idle_watch() -> IdleWatch:
    """The one of this process; the memory budget asks it before anybody is refused."""
    with _watch_lock:
        if not _process_watch:
            watch = IdleWatch()
            process_budget().relieve_with(watch.let_go_of_unused)
            _process_watch.append(watch)
        return _process_watch[0]
