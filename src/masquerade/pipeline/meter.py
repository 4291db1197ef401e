"""Counts and times of a running pipeline.

Losses have one meaning each:

- *lagged*: a frame that left later than planned, by half its period or more (live only);
- *skipped*: a frame that the stages were not run on, on purpose, to keep up (it was past its
  deadline and left concealed), or that was finished but not shown (of a donor who was changed);
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

from masquerade.pipeline.latency import Latencies
from masquerade.pipeline.statistics import LatencyMs

__all__ = ["Meter", "Progress", "StageTime"]

_KEEP = 2048  # stage times kept for the median: bounds memory whatever the length of a film
_RECENT = 512  # moments kept for the current speed
_PROGRESS_FRAMES = 96  # frames over which the speed of a film is taken
_LATELY_S = 2.0


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
        self._captured_s: deque[float] = deque([self._started_s], maxlen=_RECENT)
        self._times_ms: dict[str, deque[float]] = {}
        self._latencies = Latencies()
        self._frames = 0
        self._alive = self._peak_alive = 0
        self._lagged = self._skipped = self._dropped = 0

    def frame_captured(self) -> None:
        """The source gave a frame."""
        with self._lock:
            self._captured_s.append(self._clock())

    def frame_entered(self) -> None:
        """A frame is being read."""
        with self._lock:
            self._alive += 1
            self._peak_alive = max(self._peak_alive, self._alive)

    def frame_left(self) -> None:
        """A frame that had entered is no more, finished or not."""
        with self._lock:
            self._alive -= 1

    def frame_finished(
        self, timings_ms: Mapping[str, float], latency_s: float | None = None
    ) -> None:
        """A frame was written; its stage times, and its time since capture, are taken over."""
        now_s = self._clock()
        with self._lock:
            self._frames += 1
            if latency_s is not None:
                self._latencies.add(latency_s)
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

    @property
    def latency_ms(self) -> LatencyMs:
        """Time from capture to the exit, of all frames so far."""
        with self._lock:
            return self._latencies.percentiles()

    def recent_p95_ms(self) -> float:
        """95th percentile of the last 64 latencies."""
        with self._lock:
            return self._latencies.recent_p95_ms()

    def recent_fps(self) -> tuple[float, float]:
        """Frames a second that were captured, and finished, over the last two seconds."""
        now_s = self._clock()
        with self._lock:
            return _rate(self._captured_s, now_s), _rate(self._finished_s, now_s)

    def progress(self) -> Progress:
        """Frames done, speed over the last 96 frames, and the time left at that speed."""
        with self._lock:
            first = max(0, len(self._finished_s) - _PROGRESS_FRAMES)
            elapsed_s = self._finished_s[-1] - self._finished_s[first]
            fps = (len(self._finished_s) - 1 - first) / elapsed_s if elapsed_s > 0 else 0.0
            left = None if self._total is None else max(0, self._total - self._frames)
            eta_s = left / fps if left is not None and fps > 0 else None
            return Progress(done=self._frames, total=self._total, fps=fps, eta_s=eta_s)

    def stage_times(self) -> dict[str, StageTime]:
        """Median and 95th percentile per stage, in the order in which stages first ran."""
        with self._lock:
            copies = {name: list(values) for name, values in self._times_ms.items()}
        kept = {name: sorted(values) for name, values in copies.items()}  # nobody waits for it
        return {
            name: StageTime(
                median_ms=statistics.median(values),
                p95_ms=values[min(len(values) - 1, int(0.95 * len(values)))],
            )
            for name, values in kept.items()
        }


def _rate(times_s: deque[float], now_s: float) -> float:
    """Events a second of the last two seconds; of a shorter time where it began later."""
    since_s = max(now_s - _LATELY_S, times_s[0])
    count = sum(time_s > since_s for time_s in times_s)
    return count / (now_s - since_s) if now_s > since_s else 0.0
