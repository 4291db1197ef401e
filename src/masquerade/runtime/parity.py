"""How close the results of two files of one network are, and how long each takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Feeds = Mapping[str, NDArray[Any]]
    Run = Callable[[Feeds], Sequence[NDArray[Any]]]

__all__ = ["HIGHEST_DB", "Exact", "Parity", "measure_parity", "psnr_db"]

HIGHEST_DB = 120.0
"""What results that agree to float32's rounding are given."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How a changed network compares with the one it was made of.

    Attributes:
        psnr_db: over all results together.
        worst_db: of the worst feed.
        ms_before: median time of a run of the first one.
        ms_after: of the changed one.
    """

    psnr_db: float
    worst_db: float
    ms_before: float
    ms_after: float


def psnr_db(error: float, peak: float) -> float:
    """Peak signal to noise ratio for a mean squared error; minus infinity where that is NaN.

    >>> psnr_db(0.01, 1.0)
    20.0
    """
    if not np.isfinite(error):
        return float("-inf")
    return float(min(HIGHEST_DB, 10 * np.log10(peak**2 / max(error, 1e-30))))


def measure_parity(
    before: Run, after: Run, feeds: Iterable[Feeds], *, peak: float | None = None
) -> Parity:
    """Run two networks on the same feeds and compare their first results.

    Args:
        before: the reference.
        after: what is judged.
        feeds: that calibration has not seen.
        peak: span of the result, such as 1 for pictures of 0..1; None takes the span of what the
            reference gives, over all feeds.
    """
    return Exact(before, feeds).parity(after, peak=peak)


class Exact:
    """First results of a network, to hold several others to.

    Args:
        run: the network; it is run here and not again.
        feeds: as of :func:`measure_parity`.

    Attributes:
        ms: median time of a run.
    """

    def __init__(self, run: Run, feeds: Iterable[Feeds]) -> None:
        self._feeds = tuple(feeds)
        timed = [_timed(run, feed) for feed in self._feeds]
        self._expected = [result for result, _ in timed]
        self.ms = 1e3 * float(np.median([took_s for _, took_s in timed]))
        low = min(float(result.min()) for result in self._expected)
        high = max(float(result.max()) for result in self._expected)
        self._span = max(high - low, 1e-12)

    def parity(self, run: Run, *, peak: float | None = None) -> Parity:
        """How a network compares with the one that gave the results; see :func:`measure_parity`."""
        span = self._span if peak is None else peak
        errors, times_s = [], []
        for feed, expected in zip(self._feeds, self._expected, strict=True):
            result, took_s = _timed(run, feed)
            times_s.append(took_s)
            errors.append(float(np.square(result - expected.astype(np.float64)).mean()))
        return Parity(
            psnr_db(float(np.mean(errors)), span),
            min(psnr_db(error, span) for error in errors),
            self.ms,
            1e3 * float(np.median(times_s)),
        )


def _timed(run: Run, feed: Feeds) -> tuple[NDArray[Any], float]:
    started_s = time.perf_counter()
    result = run(feed)[0]
    return result, time.perf_counter() - started_s
