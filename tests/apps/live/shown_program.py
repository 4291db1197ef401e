"""A program that shows a live stream in a window until it is stopped; run by test_display.py.

It says ``shown`` when a frame of the stream is on the screen, with the colours that the X server
has there.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from live_stand_ins import StandInSession
from PySide6.QtWidgets import QApplication

from masquerade.apps.live.controls import Controls
from masquerade.apps.live.window import open_window
from masquerade.apps.live.window_loop import run_window
from masquerade.apps.live.window_sink import WindowSink
from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo


def picture() -> np.ndarray:
    """Blue left, red right, uint8 (H, W, 3) BGR."""
    pixels = np.zeros((360, 640, 3), np.uint8)
    pixels[:, :320, 0] = pixels[:, 320:, 2] = 255
    return pixels


class Camera:
    """A live source of the same picture, 30 times a second."""

    info = SourceInfo((640, 360), None, Fraction(30), None, live=True)

    def __init__(self) -> None:
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        started_s, seq = time.perf_counter(), 0
        while not self._closed.wait(1 / 30):
            now_s = time.perf_counter()
            pts = round(1e6 * (now_s - started_s))
            yield Frame(picture(), seq, pts, Fraction(1, 1_000_000), now_s)
            seq += 1

    def close(self) -> None:
        self._closed.set()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def show(session, controls: Controls, sink: WindowSink) -> None:
    window = open_window(sink, controls)
    told = False

    def watch(_statistics: object) -> None:
        nonlocal told
        if not told and sink.newest is not None:
            QApplication.processEvents()
            image = window.screen().grabWindow(window.winId()).toImage()
            ends = (image.pixelColor(20, 180), image.pixelColor(image.width() - 20, 180))
            told = all(colour.value() > 200 for colour in ends)
            if told:
                say("shown", *(colour.name() for colour in ends))

    run_window(session, window, watch)


def stand_in() -> None:
    session, sink = StandInSession(), WindowSink()
    sink.write(Frame(picture()))
    with Controls(session, session.engine, has_window=True) as controls:
        show(session, controls, sink)


def real(photo: str) -> None:
    from masquerade.core.settings import Settings
    from masquerade.engine import Engine
    from masquerade.engine.live import LiveSession

    sink = WindowSink()
    with (
        Engine(photo, Settings(watermark=False)) as engine,
        LiveSession(engine, Camera(), {"window": sink}) as session,
        Controls(session, engine, has_window=True) as controls,
    ):
        show(session, controls, sink)


def ended() -> None:
    """Say how many threads are left, when those that are just ending have ended."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(10)
    say("ended, threads:", threading.active_count())


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    try:
        real(sys.argv[1]) if len(sys.argv) > 1 else stand_in()
    except KeyboardInterrupt:
        ended()
        sys.exit(130)
    ended()
