"""Single keys from the terminal while a stream runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TextIO

from masquerade.apps.live.key_names import key_names

if TYPE_CHECKING:
    from types import TracebackType

if sys.platform == "win32":
    from masquerade.apps.live.keyboard_windows import Keyboard
else:
    from masquerade.apps.live.keyboard_posix import Keyboard

__all__ = ["TerminalKeys"]

_JOIN_S = 0.5


class TerminalKeys:
    """Calls a function for every key that is pressed in the terminal. Use it as a context.

    The terminal is put into a mode in which keys arrive one by one and are not shown, and is put
    back at the end; Ctrl-C and Ctrl-Z stay what they are. Where stdin is no terminal, or the
    process is in the background, nothing is touched.

    Args:
        press: called with each key's name (as in ``Action.keys``) in the thread
            ``masquerade-keys``; it must return at once.
        stream: the terminal.
    """

    def __init__(self, press: Callable[[str], object], stream: TextIO | None = None) -> None:
        self._press = press
        self._keyboard = Keyboard.of(sys.stdin if stream is None else stream)
        self._thread: threading.Thread | None = None

    @property
    def listening(self) -> bool:
        """Whether keys are heard: there is a terminal, and the block was entered."""
        return self._thread is not None

    def __enter__(self) -> Self:
        if self._keyboard is not None and self._keyboard.open():
            self._thread = threading.Thread(target=self._read, name="masquerade-keys", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._keyboard is not None:
            self._keyboard.close()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            self._thread = None

    def _read(self) -> None:
        keyboard = self._keyboard
        while keyboard is not None and (typed := keyboard.read()) is not None:
            for key in key_names(typed):
                self._press(key)
