"""A camera that a test holds in its hand, and a sink that tells what it was given."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PacedSource", "WitnessSink"]

_MICROSECONDS = Fraction(1, 1_000_000)


class PacedSource(Closing):
    """A live Source that plays pictures forth and back at a steady rate, as a camera would.

    Args:
        pictures: uint8 (H, W, 3) BGR, all of one size, at least one.
        rate: frames a second.
        count: frames after which it ends; None never does.
    """

    def __init__(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        *,
        rate: int | Fraction = 30,
        count: int | None = None,
    ) -> None:
        self._pictures, self._rate, self._count = list(pictures), Fraction(rate), count
        height, width = self._pictures[0].shape[:2]
        self.info = SourceInfo((width, height), None, self._rate, None, live=True)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        began_s = time.perf_counter()
        period = max(1, 2 * len(self._pictures) - 2)
        seq = 0
        while self._count is None or seq < self._count:
            due_s = began_s + float(seq / self._rate)
            if self._closed.wait(max(0.0, due_s - time.perf_counter())):
                return
            place = seq % period
            pixels = self._pictures[min(place, period - place)]
            pts = round(seq / self._rate / _MICROSECONDS)
            yield Frame(pixels, seq, pts, _MICROSECONDS, captured_s=due_s)
            seq += 1

    def close(self) -> None:
        """End the iteration; may be called twice and from another thread."""
        self._closed.set()


class WitnessSink:
    """A live Sink that keeps the last frames and lets a test wait for what it wants to see.

    Args:
        keep: how many of the last frames are kept.

    Attributes:
        frames: those frames.
        count: frames written so far.
        latencies_s: time from capture to here, of every frame.
        state: open, committed or aborted.
    """

    def __init__(self, keep: int = 1000) -> None:
        self.frames: list[Frame] = []
        self.count = 0
        self.latencies_s: list[float] = []
        self.state = "open"
        self._keep = keep
        self._written = threading.Condition()

    def write(self, frame: Frame) -> None:
        """Take one frame."""
        with self._written:
            self.count += 1
            if frame.captured_s is not None:
                self.latencies_s.append(time.perf_counter() - frame.captured_s)
            self.frames = [*self.frames, frame][-self._keep :] if self._keep else []
            self._written.notify_all()

    def wait_for(self, count: int, seconds: float = 30.0) -> None:
        """Wait until ``count`` frames were written.

        Raises:
            AssertionError: they did not come in time.
        """
        with self._written:
            came = self._written.wait_for(lambda: self.count >= count, seconds)
        assert came, f"only {self.count} of {count} frames came"

    def commit(self) -> None:
        """Note it."""
        self.state = "committed"

    def abort(self) -> None:
        """Note it, unless committed."""
        if self.state == "open":
            self.state = "aborted"
