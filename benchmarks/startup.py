"""How long one waits for the first sign of life, each time in a new process.

    python benchmarks/startup.py

Goals: help 0.3 s, import 0.25 s beyond Python itself, first swapped picture 1.5 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import cv2

from commands import run, swap_command
from measuring import Spread, machine
from moving import Case

LIBRARIES = "import numpy, cv2, onnxruntime"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "target.png"
        cv2.imwrite(str(target), Case("640x480", (640, 480)).frames(1)[0])
        commands = {
            "python alone": [python, "-c", "pass"],
            "the libraries alone": [python, "-c", LIBRARIES],
            "import masquerade": [python, "-c", "import masquerade"],
            "masquerade --help": [python, "-m", "masquerade", "--help"],
            "first swapped picture": swap_command(target, Path(folder) / "out.png"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(args.rounds + 1):
            for name, command in commands.items():
                seconds[name].append(run(command).seconds)
    print(machine())
    for name, values in seconds.items():
        warm = Spread.of([1e3 * value for value in values[1:]])
        print(f"{name:24s} {warm} ms   (first run {1e3 * values[0]:.0f})")


if __name__ == "__main__":
    main()
