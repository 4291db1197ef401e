"""``masquerade live`` as a process of its own, watched through its log."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_S = 120


@dataclass(frozen=True)
class Ended:
    """How the process ended: exit code, its line of JSON, what it said, and its log."""

    code: int
    json: dict[str, Any]
    err: str
    log: list[dict[str, Any]]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == name]


@dataclass
class LiveProcess:
    """Starts the command with ``--json`` and a log; use it as a context."""

    words: Sequence[object]
    options: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> LiveProcess:
        command = [sys.executable, "-m", "masquerade", "live", *map(str, self.words)]
        self.log_file = Path(f"live-{time.monotonic_ns()}.log")
        self.process = subprocess.Popen(
            [*command, "--json", "--consent", "public-domain", "--log", str(self.log_file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self.options,
        )
        return self

    def __exit__(self, *_error) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def log(self) -> list[dict[str, Any]]:
        if not self.log_file.exists():
            return []
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def wait_until(self, condition) -> None:
        """Wait until ``condition(self)`` holds; fails if the process ends before."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition(self):
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < end_s, "it did not come to it"
            threading.Event().wait(0.05)

    def wait_for_event(self, name: str, count: int = 1) -> None:
        self.wait_until(lambda own: sum(x["event"] == name for x in own.log()) >= count)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> Ended:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        lines = out.splitlines()
        return Ended(
            self.process.returncode, json.loads(lines[-1]) if lines else {}, err, self.log()
        )


def probe(path: Path, *entries: str) -> dict[str, Any]:
    """What ffprobe, a program of its own, reads of a file."""
    words = ["-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json"]
    done = subprocess.run(
        ["ffprobe", *words, *entries, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)
