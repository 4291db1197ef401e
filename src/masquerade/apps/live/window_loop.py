"""Qt's loop in the main thread, for as long as window and stream live."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from masquerade.apps.live.screen import no_desktop

try:
    from PySide6.QtCore import QEventLoop, QTimer
except ImportError as error:
    raise no_desktop(error) from error

if TYPE_CHECKING:
    from masquerade.apps.live.window import PreviewWindow
    from masquerade.engine.live import LiveSession
    from masquerade.pipeline.statistics import LiveStatistics

__all__ = ["run_window"]

_TICK_MS = 50
_WATCHED_TICKS = 5  # four times a second


def run_window(
    session: LiveSession,
    window: PreviewWindow,
    watch: Callable[[LiveStatistics], None] = lambda _statistics: None,
) -> None:
    """Run ``window`` until it is closed or the stream has ended.

    Args:
        session: the stream, running.
        window: shown; it is closed at the end.
        watch: called with the stream's numbers four times a second, in this thread.

    Raises:
        KeyboardInterrupt, or whatever the handlers of SIGINT and SIGTERM that were set before
            raise: such a signal came. The window is closed by then.
    """
    loop, over = QEventLoop(), threading.Event()
    ticks = 0

    def leave() -> None:
        over.set()  # should the loop not have begun yet
        loop.quit()

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if over.is_set() or session.wait(0):
            loop.quit()
        elif ticks % _WATCHED_TICKS == 1:
            statistics = session.statistics()
            window.show_statistics(statistics)
            watch(statistics)

    window.closed.connect(leave)
    timer = QTimer()
    timer.timeout.connect(tick)  # it also lets Python see signals: Qt's loop alone never does
    timer.start(_TICK_MS)
    with _signals_held(leave), _errors_carried(leave):
        try:
            loop.exec()
        finally:
            timer.stop()
            window.close()


@contextmanager
def _signals_held(leave: Callable[[], None]) -> Iterator[None]:
    """Call ``leave`` at SIGINT and SIGTERM, and raise the signal anew when the block is done.

    An exception of a handler would be raised in whatever method Qt has just called, and be lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []

    def hold(number: int, _frame: Any) -> None:
        caught.append(number)
        leave()

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


@contextmanager
def _errors_carried(leave: Callable[[], None]) -> Iterator[None]:
    """Raise an error of a method that Qt has called once the block is done; Qt just prints it."""
    errors: list[BaseException] = []

    def carry(_kind: type[BaseException], error: BaseException, _trace: Any) -> None:
        errors.append(error)
        leave()

    before, sys.excepthook = sys.excepthook, carry
    try:
        yield
    finally:
        sys.excepthook = before
    if errors:
        raise errors[0]
