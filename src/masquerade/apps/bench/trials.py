"""What ``masquerade tune`` tries, and what it takes from the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from masquerade.apps.bench.scenario import Scenario

__all__ = ["Trial", "best_preset", "best_row", "model_trials", "preset_trials", "thread_trials"]

_WORTH = 1.03  # what is less than this much quicker is not worth another thread
_MOST_THREADS = 8
_MOST_DROPPED = 0.01


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to try.

    Attributes:
        scenario: what is run.
        chosen: what this trial stands for, by the profile's field.
        words: options of ``masquerade bench`` that make it so.
    """

    scenario: Scenario
    chosen: Mapping[str, Any]
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For people, such as ``threads 2``."""
        return ", ".join(f"{key} {value}" for key, value in self.chosen.items())


def thread_trials(cores: int) -> list[Trial]:
    """The built-in swapper with 1, 2, 4, ... threads, up to the cores."""
    counts = sorted({1, *(n for n in (2, 4, _MOST_THREADS) if n <= cores)})
    return [Trial(Scenario(), {"threads": n}, ("--execution-threads", str(n))) for n in counts]


def preset_trials(threads: int) -> list[Trial]:
    """A live stream with each preset, the best picture first."""
    words = ("--execution-threads", str(threads))
    return [
        Trial(Scenario(preset=name), {"preset": name}, words)
        for name in ("quality", "balanced", "fast")
    ]


def model_trials(
    scenario: Scenario, providers: Iterable[str], precisions: Sequence[str]
) -> list[Trial]:
    """Brought networks by provider and by the precision of their installed files.

    Args:
        scenario: what is run.
        providers: short names.
        precisions: the most exact first.
    """
    return [
        Trial(
            scenario,
            {"provider": provider, "precision": precision},
            ("--execution-provider", provider, "--precision", precision),
        )
        for provider in providers
        for precision in precisions
    ]


def best_row(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The quickest row; of those that are as quick within a few percent, the first.

    Args:
        rows: with ``fps``, the most sparing first; those with ``error`` are left out.

    >>> best_row([{"fps": 50.0}, {"fps": 51.0}, {"error": "no memory"}])
    {'fps': 50.0}
    """
    best: Mapping[str, Any] | None = None
    for row in rows:
        if "error" not in row and (best is None or row["fps"] > _WORTH * best["fps"]):
            best = row
    return best


def best_preset(
    rows: Mapping[str, Mapping[str, Any]], bounds_ms: Mapping[str, float]
) -> str | None:
    """The first preset that keeps up with the camera; the last one where none does, and None where
    none could be measured.

    Args:
        rows: figures by preset, the best picture first.
        bounds_ms: latency that each preset is to stay below.
    """
    measured = {name: row for name, row in rows.items() if "error" not in row}
    for name, row in measured.items():
        if row["dropped"] <= _MOST_DROPPED and row["p95_ms"] <= bounds_ms[name]:
            return name
    return next(reversed(measured), None)
