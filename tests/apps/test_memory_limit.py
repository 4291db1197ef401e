"""--max-memory holds, as seen from outside the process, and what was given up for it is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from masquerade.models.library import Library
from masquerade.testing.networks.functional import fill_library

MB = 2**20


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home in which the stand-ins of two enhancers and of a swapper are installed."""
    home = tmp_path / "networks"
    monkeypatch.setenv("MASQUERADE_HOME", str(home))
    fill_library(Library(), ["inswapper_128", "gpen_bfr_256", "gpen_bfr_2048"])
    return home


def swap(home: Path, *words: object) -> tuple[int, str, dict, float]:
    """Exit code, stderr, JSON and peak RSS in MB of `masquerade swap`, watched from here."""
    process = subprocess.Popen(
        [sys.executable, "-m", "masquerade", "swap", "--json", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MASQUERADE_HOME": str(home)},
    )
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
            status = Path(f"/proc/{process.pid}/status")
            if status.is_file():
                peaks = [line for line in status.read_text().splitlines() if "VmHWM" in line]
                peak = max(peak, *(int(line.split()[1]) * 1024 for line in peaks), 0)
        except (psutil.Error, OSError):
            break
        time.sleep(0.01)
    out, err = process.communicate(timeout=60)
    return process.returncode, err, json.loads(out.splitlines()[-1]), peak / MB


def test_the_peak_stays_below_the_limit_and_the_sentence_says_how(mona, astronaut, home):
    job = ["-s", mona, "-t", astronaut, "-o", "out.png", "--overwrite"]
    job += ["--consent", "public-domain", "--model", "inswapper_128", "--precision", "fp32"]
    job += ["--execution-provider", "cpu", "--execution-threads", 1, "--refresh", "every"]
    job += ["--enhancer", "gpen_bfr_2048"]
    code, err, free, unlimited_mb = swap(home, *job)
    assert code == 0, err
    limit_mb = round(0.75 * unlimited_mb)
    code, err, done, peak_mb = swap(home, *job, "--max-memory", f"{limit_mb / 1024:.3f}")
    assert code == 0, err
    assert peak_mb < limit_mb < unlimited_mb
    assert "To fit into memory" in err
    report = done["files"][0]["report"]
    assert report["faces_swapped"] == 1
    assert report["models"] != free["files"][0]["report"]["models"]
    assert any("To fit into memory" in text for text in report["warnings"])


def test_a_limit_that_nothing_fits_ends_with_its_own_exit_code(mona, astronaut, home):
    job = ["-s", mona, "-t", astronaut, "-o", "out.png", "--consent", "public-domain"]
    code, err, done, _ = swap(home, *job, "--model", "inswapper_128", "--max-memory", 0.1)
    assert code == 8
    assert done["kind"] == "MemoryBudgetError"
    assert "--max-memory grants" in err
    assert not Path("out.png").exists()
