"""The film that is measured on: a rendered talking head, forth and back, and a sink for it."""

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

__all__ = ["Camera", "Film", "Nowhere", "render_pictures"]

_RATE = Fraction(30)
_MICROSECONDS = Fraction(1, 1_000_000)


def render_pictures(size_wh: tuple[int, int], count: int = 16) -> list[NDArray[np.uint8]]:
    """Consecutive frames of a bundled puppet, uint8 (H, W, 3) BGR, one face a third as high."""
    from masquerade.media.puppet import PuppetSource, Scene

    source = PuppetSource([Scene(seconds=count / 25)], size_wh=size_wh, noise=2.0, seed=3)
    return [frame.pixels for frame in source]


class Film(Closing):
    """A Source that plays pictures forth and back as quickly as they are taken.

    Args:
        pictures: uint8 (H, W, 3) BGR, all of one size.
        count: frames after which it ends.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], count: int) -> None:
        self._pictures, self._count = pictures, count
        height, width = pictures[0].shape[:2]
        self.info = SourceInfo((width, height), count, _RATE, float(count / _RATE))
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        for seq in range(self._count):
            if self._closed:
                return
            yield Frame(_picture(self._pictures, seq), seq, round(1000 * seq / _RATE))

    def close(self) -> None:
        """End the iteration; may be called twice."""
        self._closed = True


class Camera(Closing):
    """A live Source that plays pictures forth and back at 30 frames a second.

    Args:
        pictures: uint8 (H, W, 3) BGR, all of one size.
        seconds: after which it ends.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], seconds: float) -> None:
        self._pictures, self._count = pictures, round(seconds * _RATE)
        height, width = pictures[0].shape[:2]
        self.info = SourceInfo((width, height), None, _RATE, None, live=True)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        began_s = time.perf_counter()
        for seq in range(self._count):
            due_s = began_s + float(seq / _RATE)
            if self._closed.wait(max(0.0, due_s - time.perf_counter())):
                return
            pts = round(seq / _RATE / _MICROSECONDS)
            pixels = _picture(self._pictures, seq)
            yield Frame(pixels, seq, pts, _MICROSECONDS, captured_s=due_s)

    def close(self) -> None:
        """End the iteration; may be called twice and from another thread."""
        self._closed.set()


class Nowhere:
    """A Sink that forgets every frame."""

    def write(self, frame: Frame) -> None:
        """Forget it."""

    def commit(self) -> None:
        """There is nothing to finish."""

    def abort(self) -> None:
        """There is nothing to remove."""


def _picture(pictures: Sequence[NDArray[np.uint8]], seq: int) -> NDArray[np.uint8]:
    period = max(1, 2 * len(pictures) - 2)
    place = seq % period
    return pictures[min(place, period - place)]
