"""The command line as a stranger runs it, timed and weighed from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

DONOR = Path(__file__).resolve().parent.parent / "tests" / "media" / "mona_lisa.jpg"


@dataclass(frozen=True)
class Outcome:
    """Wall time in seconds and peak resident memory in MiB of one process."""

    seconds: float
    peak_mib: float


def swap_command(target: Path, output: Path) -> list[str]:
    """``masquerade swap`` with the bundled donor."""
    command = [sys.executable, "-m", "masquerade", "swap", "-s", str(DONOR), "-t", str(target)]
    return [*command, "-o", str(output), "--consent", "public-domain", "--overwrite"]


def run(command: list[str]) -> Outcome:
    """Run a command to its end (POSIX); a failure is an error."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Outcome(seconds, usage.ru_maxrss * unit / 2**20)
