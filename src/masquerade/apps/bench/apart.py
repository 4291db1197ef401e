"""A scenario in a process of its own: its memory is its own, and its failure costs no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MasqueradeError

if TYPE_CHECKING:
    from masquerade.apps.bench.scenario import Scenario

__all__ = ["measure_apart"]


def measure_apart(scenario: Scenario, seconds: float, words: Sequence[str]) -> dict[str, Any]:
    """Figures of a scenario as plain values, or ``error`` with the sentence that ended it.

    Args:
        scenario: what is measured.
        seconds: of each measurement.
        words: further options of ``masquerade bench``.

    Raises:
        MasqueradeError: the process ended without a word.
    """
    command = ["bench", "--here", "--json", "--quiet", "--scenario", scenario.name]
    command += ["--seconds", str(seconds), *words]
    done = subprocess.run(
        [sys.executable, "-m", "masquerade", *command], capture_output=True, text=True, check=False
    )
    lines = done.stdout.strip().splitlines()
    if not lines:
        raise MasqueradeError(
            f"The scenario {scenario.name} ended without figures (code {done.returncode}); "
            f"try it alone: masquerade {' '.join(command)}"
        )
    row: dict[str, Any] = json.loads(lines[-1])
    return row | {"scenario": scenario.name}
