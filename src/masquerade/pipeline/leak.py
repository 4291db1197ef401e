"""Tells memory that leaks from memory that is used.

A leak grows steadily; caches fill ever more slowly, a new donor is one step, and what a garbage
collector does is a saw. So three things must agree over a window: the slope by Theil and Sen,
which outliers do not move; the lowest memory of each fifth of the window, which rises from fifth
to fifth; and the growth of the second half, which is not much less than that of the first.
"""

from __future__ import annotations

import functools
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Leak", "LeakDetector"]

_WINDOWS = ((120.0, 0.30), (300.0, 0.03), (600.0, 0.02), (1800.0, 0.03))
"""Seconds, and the share of the memory that has to be new by their end."""
_BUCKET_S = 5.0
_LEAST_BYTES = 5_000_000
_PARTS = 5
_POINTS = 60  # of a window, the lowest memory of a stretch each


@dataclass(frozen=True, slots=True)
class Leak:
    """Memory that grows.

    Attributes:
        bytes_per_minute: how fast.
        seconds: over which it was seen to.
        rss_bytes: where it is now.
    """

    bytes_per_minute: float
    seconds: float
    rss_bytes: int


class LeakDetector:
    """Looks at the memory of a process, in fixed memory of its own.

    Args:
        warm_up_s: time from the first measurement that is not looked at: buffers fill.
    """

    def __init__(self, *, warm_up_s: float = 120.0) -> None:
        self._warm_up_s = warm_up_s
        longest_s = max(seconds for seconds, _ in _WINDOWS)
        self._lowest: deque[float] = deque(maxlen=round(longest_s / _BUCKET_S))
        self._begun_s: float | None = None
        self._bucket_s = 0.0
        self._bucket: float | None = None
        self._leak: Leak | None = None

    def observe(self, now_s: float, rss_bytes: int) -> Leak | None:
        """Take a measurement; returns the leak that shows now, the fastest one, if any.

        Args:
            now_s: seconds of any monotonic clock.
            rss_bytes: memory of the process.
        """
        if self._begun_s is None:
            self._begun_s = now_s
        if now_s - self._begun_s < self._warm_up_s:
            return None
        if self._bucket is None:
            self._bucket, self._bucket_s = float(rss_bytes), now_s
        elif now_s - self._bucket_s < _BUCKET_S:
            self._bucket = min(self._bucket, float(rss_bytes))
        else:
            self._lowest.append(self._bucket)
            self._bucket, self._bucket_s = float(rss_bytes), now_s
            self._leak = self._look(rss_bytes)
        return self._leak

    def _look(self, rss_bytes: int) -> Leak | None:
        lowest = np.array(self._lowest)
        for seconds, share in _WINDOWS:
            count = round(seconds / _BUCKET_S)
            if len(lowest) < count:
                break
            points = lowest[-count:].reshape(min(count, _POINTS), -1).min(axis=1)
            grown = _steady_growth(points)
            if grown > max(_LEAST_BYTES, share * float(np.median(points))):
                return Leak(grown * 60 / seconds, seconds, rss_bytes)
        return None


def _steady_growth(points: NDArray[np.float64]) -> float:
    """Growth from the first point to the last if it is that of a leak, else 0."""
    floors = np.array([part.min() for part in np.array_split(points, _PARTS)])
    lowest_rise = float(np.diff(floors).min())
    if lowest_rise <= 0:
        return 0.0
    slope = _theil_sen(points)
    if lowest_rise < 0.25 * slope * len(points) / _PARTS:
        return 0.0
    first, second = np.array_split(points, 2)
    if _theil_sen(second) < 0.5 * _theil_sen(first):
        return 0.0
    return slope * len(points)


def _theil_sen(values: NDArray[np.float64]) -> float:
    """Median of the slopes between all pairs of points, per point."""
    first, second = _pairs(len(values))
    return float(np.median((values[second] - values[first]) / (second - first)))


@functools.cache
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.triu_indices(count, 1)
    return first, second
