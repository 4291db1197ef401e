"""Waiting for the moment when a picture is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from masquerade.core.frame import Frame
from masquerade.media.live.clock import MICROSECONDS, StreamClock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Schedule"]

_PATIENCE_S = 0.25


@dataclass(slots=True)
class Schedule:
    """When the pictures of something recorded are due, by one clock from the first one on.

    Lateness does not add up. What is a quarter of a second late, or more, is left out, but for
    one picture in a quarter of a second, so that a machine that is too slow still shows something.
    """

    stop: threading.Event
    start_s: float | None = None
    shown_s: float = field(default=0.0)

    def wait(self, seconds: float) -> float | None:
        """Wait until the picture of this second is due.

        Returns:
            The moment when it was due, seconds of ``time.perf_counter``; None where it is to be
            left out (also since ``stop`` was set).
        """
        now_s = time.perf_counter()
        if self.start_s is None:
            self.start_s = now_s
        due_s = self.start_s + seconds
        late_s = now_s - due_s
        if late_s > _PATIENCE_S and now_s - self.shown_s < _PATIENCE_S:
            return None
        if late_s < 0 and self.stop.wait(-late_s):
            return None
        self.shown_s = max(now_s, due_s)
        return None if self.stop.is_set() else due_s

    def frames(
        self, pictures: Iterable[NDArray[np.uint8]], rate: Fraction, clock: StreamClock
    ) -> Iterator[Frame]:
        """Pictures as frames, each when it is due, until ``stop`` is set.

        Args:
            pictures: uint8 (H, W, 3), BGR, as often as they are to be seen.
            rate: pictures a second.
            clock: stamps the frames.
        """
        seq = 0
        for number, pixels in enumerate(pictures):
            due_s = self.wait(float(number / rate))
            if self.stop.is_set():
                return
            if due_s is not None:
                yield Frame(pixels, seq, clock.pts(due_s), MICROSECONDS, due_s)
                seq += 1
