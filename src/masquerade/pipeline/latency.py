"""How long frames take from capture to the exit, for streams of any length."""

from __future__ import annotations

from collections import deque

import numpy as np

from masquerade.pipeline.statistics import LatencyMs

__all__ = ["Latencies"]

_STEP_MS = 0.25
_STEPS = 40_000  # ten seconds; whatever takes longer counts as ten
_RECENT = 64


class Latencies:
    """Percentiles of all latencies, exact to a quarter of a millisecond, in fixed memory.

    >>> latencies = Latencies()
    >>> for ms in range(1, 101):
    ...     latencies.add(ms / 1000)
    >>> latencies.percentiles()
    LatencyMs(p50=50.25, p95=95.25, p99=99.25)
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_STEPS, np.int64)
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def add(self, seconds: float) -> None:
        """Take one frame's latency."""
        ms = seconds * 1000
        self._counts[min(max(int(ms / _STEP_MS), 0), _STEPS - 1)] += 1
        self._recent.append(ms)

    def percentiles(self) -> LatencyMs:
        """Upper ends of the steps in which the percentiles lie; 0 before the first frame."""
        total = int(self._counts.sum())
        if not total:
            return LatencyMs(0.0, 0.0, 0.0)
        reached = np.cumsum(self._counts)
        ranks = np.ceil(np.array([0.5, 0.95, 0.99]) * total)
        ms = (np.searchsorted(reached, ranks) + 1) * _STEP_MS
        return LatencyMs(*(float(value) for value in ms))

    def recent_p95_ms(self) -> float:
        """The 95th percentile of the last 64 frames; 0 before the first."""
        return float(np.percentile(self._recent, 95)) if self._recent else 0.0
