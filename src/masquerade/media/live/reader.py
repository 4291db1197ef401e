"""A thread that reads a device or a stream, and opens it again for as long as it takes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import av
import av.error

from masquerade.core.errors import InputError, MasqueradeError
from masquerade.core.lifetimes import Closing
from masquerade.media.containers import LENIENT
from masquerade.media.live.interruption import interruptible

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

__all__ = ["Attempt", "LiveInput", "Reader", "StalledError"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_POLL_S = 0.004
_JOIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to open an input: FFmpeg's address, format (None: by content) and options."""

    url: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)


class LiveInput(Protocol):
    """Something that can be opened, lost and opened again."""

    @property
    def label(self) -> str:
        """What it is called in messages."""
        ...

    def attempts(self) -> Sequence[Attempt]:
        """How to open it now, best first. Raises InputError where it is not there."""
        ...

    def explain(self, error: Exception, waited_s: float) -> InputError:
        """One sentence about what PyAV raised."""
        ...


class StalledError(TimeoutError):
    """Nothing usable came for too long; the input is opened anew."""


class Reader(Closing):
    """Opens an input in a thread of its own and hands each opened container to ``receive``.

    Once something has been received, whatever ends it (an error, the end of a connection, a
    stall) leads to a new opening, with pauses that grow from half a second to eight.

    Args:
        source: what is opened.
        receive: called in the thread with a container and the attempt that opened it; reads
            :meth:`packets` until they end and calls :meth:`arrived` whenever something usable
            came. Returns True where the end is the end.
        thread: the thread's name.
        open_s: how long the first opening may take, in all.
        stall_s: how long to wait for a packet.
    """

    def __init__(
        self,
        source: LiveInput,
        receive: Callable[[InputContainer, Attempt], bool],
        *,
        thread: str,
        open_s: float,
        stall_s: float,
    ) -> None:
        self._source, self._receive = source, receive
        self._open_s, self._stall_s = open_s, stall_s
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._arrived_s: float | None = None
        self._trouble = ""
        self._error: MasqueradeError | None = None
        self._ended = False
        self._begun_s = time.monotonic()
        # A driver that never returns must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=thread, daemon=True)

    def start(self) -> None:
        """Begin, and wait until something has arrived.

        Raises:
            InputError: it cannot be opened, or nothing came in time.
        """
        self._begun_s = time.monotonic()
        self._thread.start()
        with self._news:
            self._news.wait_for(
                lambda: self._arrived_s is not None or self._ended, self._open_s + 0.2
            )
            if self._arrived_s is not None:
                return
            error = self._error
        self.close()
        raise error or self._source.explain(TimeoutError(), self._open_s) from None

    @property
    def stopping(self) -> bool:
        """Whether it was closed."""
        return self._stop.is_set()

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self._ended or self._stop.is_set()

    @property
    def error(self) -> MasqueradeError | None:
        """What ended it for good."""
        return self._error

    @property
    def status(self) -> str:
        """What it is waiting for; empty while things arrive."""
        since = self._arrived_s
        if since is None or self._ended:
            return ""
        silent_s = time.monotonic() - since
        if self._trouble:
            return f"{self._source.label} {self._trouble}, {silent_s:.0f} s"
        return f"nothing from {self._source.label} for {silent_s:.0f} s" if silent_s > 1 else ""

    def arrived(self) -> None:
        """Something usable came."""
        with self._news:
            self._arrived_s, self._trouble = time.monotonic(), ""
            self._news.notify_all()

    def wait(self, seconds: float) -> bool:
        """Sleep in the thread; True where it was closed meanwhile."""
        return self._stop.wait(seconds)

    def close(self) -> None:
        """Stop and wait for the thread, a second at most; may be called twice."""
        self._stop.set()
        with self._news:
            self._news.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(_JOIN_S)

    def packets(
        self, container: InputContainer, streams: Sequence[Stream]
    ) -> Iterator[Packet[Any]]:
        """What comes, until the end or until closed.

        Raises:
            StalledError: nothing usable for too long.
            av.FFmpegError: the connection or the device broke.
        """
        begun_s = time.monotonic()
        while True:
            try:
                for packet in container.demux(*streams):
                    if self._stop.is_set():
                        return
                    yield packet
                    self._check_stall(begun_s)
                return
            except av.error.BlockingIOError:
                if self._stop.wait(_POLL_S):
                    return
                self._check_stall(begun_s)

    def _check_stall(self, begun_s: float) -> None:
        since = begun_s if self._arrived_s is None else max(begun_s, self._arrived_s)
        limit_s = self._open_s if self._arrived_s is None else self._stall_s
        if time.monotonic() - since > limit_s:
            raise StalledError

    # In the thread

    def _run(self) -> None:
        try:
            with interruptible(self._stop):
                self._keep_open()
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _keep_open(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            before_s = self._arrived_s
            try:
                if self._open_and_receive() or self._stop.is_set():
                    return
                trouble = "has ended, opening again"
            except MasqueradeError as error:
                self._error, trouble = error, "is gone, looking for it"
            except (av.error.FFmpegError, OSError, ValueError, RuntimeError) as error:
                waited_s = min(time.monotonic() - self._begun_s, self._open_s)
                self._error = self._source.explain(error, waited_s)
                silent = isinstance(error, TimeoutError | av.error.ExitError)
                trouble = "has stopped" if silent else "is gone"
                trouble += ", opening again"
            if self._arrived_s is None:
                if self._error is None:
                    self._error = self._source.explain(av.error.EOFError(0, "end"), 0)
                return
            if self._arrived_s != before_s:
                pause_s = _FIRST_PAUSE_S
            self._error, self._trouble = None, trouble
            self._stop.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _open_and_receive(self) -> bool:
        container, attempt = self._open()
        with container:
            if attempt.format == "v4l2":
                _never_block(attempt.url)
            return self._receive(container, attempt)

    def _open(self) -> tuple[InputContainer, Attempt]:
        attempts = self._source.attempts()
        for number, attempt in enumerate(attempts):
            try:
                return self._open_once(attempt), attempt
            except (av.error.FFmpegError, OSError, ValueError) as error:
                last = number == len(attempts) - 1
                if last or self._stop.is_set() or isinstance(error, av.error.ExitError):
                    raise
        raise StalledError

    def _open_once(self, attempt: Attempt) -> InputContainer:
        left_s = self._open_s
        if self._arrived_s is None:
            left_s -= time.monotonic() - self._begun_s
        opened: InputContainer = av.open(
            attempt.url,
            "r",
            format=attempt.format,
            options=attempt.options,
            timeout=(max(0.1, left_s), self._stall_s),
            **LENIENT,
        )
        return opened


def _never_block(device: str) -> None:
    """Make reads of an open camera return at once, so that a stall is noticed."""
    if sys.platform != "linux":
        return
    wanted = os.path.realpath(device)
    for link in Path("/proc/self/fd").iterdir():
        try:
            if os.path.realpath(link) == wanted:
                os.set_blocking(int(link.name), False)
        except OSError:
            continue  # the listing itself used one that is closed by now
