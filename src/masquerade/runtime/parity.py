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

__all__ = ["HIGHEST_DB", "Parity", "measure_parity", "psnr_db"]

HIGHEST_DB = 120.0
"""What results that agree to float32's rounding are given."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How a changed network compares with the one it was made of.

    Attributes:
        psnr_db: over all results together.
        worst_db: of the worst feed.
        ms_before: median time of a run of the first one.
        ms_after: of the changed one; both were run in turn.
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
    """Run two networks in turn on the same feeds and compare their first results.

    Args:
        before: the reference.
        after: what is judged.
        feeds: that calibration has not seen.
        peak: span of the result, such as 1 for pictures of 0..1; None takes the span of what the
            reference gives, over all feeds.
    """
    errors, times_before, times_after = [], [], []
    low, high = np.inf, -np.inf
    for feed in feeds:
        started = time.perf_counter()
        expected = before(feed)[0].astype(np.float64)
        middle = time.perf_counter()
        result = after(feed)[0]
        times_before.append(middle - started)
        times_after.append(time.perf_counter() - middle)
        errors.append(float(np.square(result - expected).mean()))
        low, high = min(low, float(expected.min())), max(high, float(expected.max()))
    span = peak if peak is not None else max(high - low, 1e-12)
    return Parity(
        psnr_db(float(np.mean(errors)), span),
        min(psnr_db(error, span) for error in errors),
        1e3 * float(np.median(times_before)),
        1e3 * float(np.median(times_after)),
    )
