"""A short run of tools/chaos_farm: workers and drivers are killed, the film comes out the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[3] / "tools" / "chaos.py"


@pytest.mark.long
def test_kill_nine_at_random_moments_changes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(CHAOS), "--kills", "3", "--frames", "75"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("all the same"), done.stdout
