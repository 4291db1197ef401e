"""The keyboard of a POSIX terminal."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

if sys.platform != "win32":
    import termios
    import tty

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Keyboard"]

_BYTES = 64
_SEQUENCE_S = 0.05  # within which a terminal sends the rest of what an arrow key is
_BACKGROUND_S = 0.5


class Keyboard:
    """Reads what is typed, as it is typed, without showing it.

    Args:
        handle: of the terminal.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._before: list[Any] | None = None
        self._wake_read, self._wake_write = -1, -1
        self._continued: Any = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.Lock()

    @classmethod
    def of(cls, stream: TextIO | None) -> Keyboard | None:
        """The keyboard behind ``stream``; None where that is no terminal."""
        try:
            handle = stream.fileno() if stream is not None else -1
            return cls(handle) if os.isatty(handle) else None
        except (OSError, ValueError, io.UnsupportedOperation):
            return None

    def open(self) -> bool:
        """Let keys through one by one; returns whether they can be read here."""
        if not self._in_front():
            return False
        try:
            self._before = termios.tcgetattr(self._handle)
            self._wake_read, self._wake_write = os.pipe()
            atexit.register(self.close)  # should nobody leave the block
            tty.setcbreak(self._handle, termios.TCSANOW)
        except (OSError, termios.error):
            self.close()
            if self._wake_read >= 0:
                os.close(self._wake_read)
            return False
        if threading.current_thread() is threading.main_thread():
            self._continued = signal.signal(signal.SIGCONT, self._back_in_front)
        return True

    def close(self) -> None:
        """Put the terminal back and wake the reader; may be called twice."""
        if self._before is not None and self._in_front():
            with contextlib.suppress(OSError, termios.error), _unstoppable():
                termios.tcflush(self._handle, termios.TCIFLUSH)  # no late press for the shell
                termios.tcsetattr(self._handle, termios.TCSANOW, self._before)
        self._before = None
        if self._continued is not None:
            signal.signal(signal.SIGCONT, self._continued)
            self._continued = None
        with self._lock:
            wake, self._wake_write = self._wake_write, -1
        if wake >= 0:
            os.close(wake)
        atexit.unregister(self.close)

    def read(self) -> str | None:
        """What is typed next; None once the keyboard is closed or the terminal is gone."""
        try:
            while self._waits(None):
                if not self._in_front():
                    if not self._sleeps(_BACKGROUND_S):
                        break
                    continue  # who reads in the background is stopped
                data = os.read(self._handle, _BYTES)
                if data.endswith(b"\x1b") and self._waits(_SEQUENCE_S):
                    data += os.read(self._handle, _BYTES)
                if not data:
                    break
                return self._decoder.decode(data)
        except OSError:
            pass  # the terminal was closed
        os.close(self._wake_read)
        return None

    def _waits(self, timeout_s: float | None) -> bool:
        """Sleep until something was typed; False when closed meanwhile, or nothing came."""
        ready, _, _ = select.select([self._handle, self._wake_read], [], [], timeout_s)
        return bool(ready) and self._wake_read not in ready

    def _sleeps(self, timeout_s: float) -> bool:
        """Sleep; returns whether the keyboard is still open."""
        ready, _, _ = select.select([self._wake_read], [], [], timeout_s)
        return not ready

    def _in_front(self) -> bool:
        """Whether the terminal listens to this process now."""
        try:
            return os.tcgetpgrp(self._handle) == os.getpgrp()
        except OSError:
            return False

    def _back_in_front(self, _number: int, _frame: FrameType | None) -> None:
        """After Ctrl-Z and ``fg`` the terminal is as the shell left it."""
        if self._before is not None and self._in_front():
            with contextlib.suppress(OSError, termios.error):
                tty.setcbreak(self._handle, termios.TCSANOW)


@contextlib.contextmanager
def _unstoppable() -> Iterator[None]:
    """Change a terminal without being stopped, should it be another's since a moment."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
