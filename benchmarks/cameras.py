"""Stand-ins for cameras: frames held in memory that come at a camera's pace."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

import numpy as np

from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo


class PacedLoop:
    """A live Source that plays frames forth and back at a steady rate.

    Args:
        frames: uint8 (H, W, 3) BGR.
        rate: frames a second.
        seconds: after which it ends; None never does.
    """

    def __init__(self, frames: list[np.ndarray], rate: float, seconds: float | None) -> None:
        self._frames, self._rate, self._seconds = frames, rate, seconds
        height, width = frames[0].shape[:2]
        self.info = SourceInfo((width, height), None, Fraction(rate), None, live=True)
        self._closed = threading.Event()

    def __iter__(self):
        began_s, seq = time.perf_counter(), 0
        period = max(1, 2 * len(self._frames) - 2)
        while self._seconds is None or seq < self._seconds * self._rate:
            due_s = began_s + seq / self._rate
            if self._closed.wait(max(0.0, due_s - time.perf_counter())):
                return
            at = seq % period
            pixels = self._frames[at if at < len(self._frames) else period - at]
            pts = round(1e6 * seq / self._rate)
            yield Frame(pixels, seq, pts, Fraction(1, 1_000_000), captured_s=due_s)
            seq += 1

    def close(self) -> None:
        self._closed.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
