"""Counts and times of a running pipeline.

Losses have one meaning each:

- *lagged*: a frame that was finished later than its period (live only);
- *skipped*: a frame that a stage was not run on, on purpose, to keep up;
- *dropped*: a frame that was thrown away at the entrance.

Files lose none.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Meter", "Progress", "StageTime"]

_KEEP = 2048  # stage times kept for the median: bounds memory whatever the length of a film
_RECENT = 96  # frames over which the current speed is taken


@dataclass(frozen=True, slots=True)
class StageTime:
    """Wall time of one stage over its last 2048 frames, milliseconds."""

    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    Attributes:
        done: frames written.
        total: frames there are, None where the source cannot tell.
        fps: frames per second lately; 0 before the second frame.
        eta_s: seconds left at that speed, None while unknown.
    """

    done: int
    total: int | None
    fps: float
    eta_s: float | None


class Meter:
    """Counts frames and stage times; every method may be called from any thread.

    Args:
        total: number of frames to come, if known.
        clock: seconds, monotonic; a test gives its own.
    """

    def __init__(
        self, total: int | None = None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._total = total
        self._clock = clock
        self._lock = threading.Lock()
        self._started_s = clock()
        self._finished_s: deque[float] = deque([self._started_s], maxlen=_RECENT)
        self._times_ms: dict[str, deque[float]] = {}
        self._frames = 0
        self._alive = self._peak_alive = 0
        self._lagged = self._skipped = self._dropped = 0

    def frame_entered(self) -> None:
        """A frame is being read."""
        with self._lock:
            self._alive += 1
            self._peak_alive = max(self._peak_alive, self._alive)

    def frame_left(self) -> None:
        """A frame that had entered is no more, finished or not."""
        with self._lock:
            self._alive -= 1

    def frame_finished(self, timings_ms: Mapping[str, float]) -> None:
        """A frame was written; its stage times are taken over."""
        now_s = self._clock()
        with self._lock:
            self._frames += 1
            self._finished_s.append(now_s)
            for name, value_ms in timings_ms.items():
                self._times_ms.setdefault(name, deque(maxlen=_KEEP)).append(value_ms)

    def lost(self, *, lagged: int = 0, skipped: int = 0, dropped: int = 0) -> None:
        """Add to the losses (see the module's text)."""
        with self._lock:
            self._lagged += lagged
            self._skipped += skipped
            self._dropped += dropped

    @property
    def frames(self) -> int:
        """Frames finished."""
        return self._frames

    @property
    def alive(self) -> int:
        """Frames in memory now."""
        return self._alive

    @property
    def peak_alive(self) -> int:
        """Most frames that were in memory at once."""
        return self._peak_alive

    @property
    def losses(self) -> dict[str, int]:
        """``lagged``, ``skipped`` and ``dropped`` frames."""
        with self._lock:
            return {
                "lagged": self._lagged,
                "skipped": self._skipped,
                "dropped": self._dropped,
            }

    @property
    def seconds(self) -> float:
        """Time from the start to the last finished frame."""
        with self._lock:
            return self._finished_s[-1] - self._started_s

    @property
    def fps(self) -> float:
        """Frames per second from the start to the last finished frame."""
        elapsed_s = self.seconds
        return self._frames / elapsed_s if elapsed_s > 0 else 0.0

    def progress(self) -> Progress:
        """Frames done, speed over the last 96 frames, and the time left at that speed."""
        with self._lock:
            elapsed_s = self._finished_s[-1] - self._finished_s[0]
            fps = (len(self._finished_s) - 1) / elapsed_s if elapsed_s > 0 else 0.0
            left = None if self._total is None else max(0, self._total - self._frames)
            eta_s = left / fps if left is not None and fps > 0 else None
            return Progress(done=self._frames, total=self._total, fps=fps, eta_s=eta_s)

    def stage_times(self) -> dict[str, StageTime]:
        """Median and 95th percentile per stage, in the order in which stages first ran."""
        with self._lock:
            kept = {name: sorted(values) for name, values in self._times_ms.items()}
        return {
            name: StageTime(
                median_ms=statistics.median(values),
                p95_ms=values[min(len(values) - 1, int(0.95 * len(values)))],
            )
            for name, values in kept.items()
        }
