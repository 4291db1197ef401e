"""Peak memory of the whole command: a film ten times as long must not need more.

    python benchmarks/memory.py

Goal: below 450 MB whatever the length, and at most 5 % more for the long clip.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from commands import run, swap_command
from measuring import machine
from moving import Case, Loop, write_clip

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4, help="length of the short clip")
    parser.add_argument("--size", choices=SIZES, default="720p")
    args = parser.parse_args()
    print(machine())
    frames = Case(args.size, SIZES[args.size]).frames(25)
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for times in (1, 10):
            target = Path(folder) / f"{times}.mp4"
            count = round(25 * args.seconds * times)
            write_clip(target, Loop(frames, count))
            outcome = run(swap_command(target, Path(folder) / "out.mp4"))
            peaks.append(outcome.peak_mib)
            print(
                f"{args.size}, {count:5d} frames: peak {outcome.peak_mib:.0f} MiB, "
                f"{count / outcome.seconds:.1f} frames a second from start to end"
            )
    print(f"ten times as long / once: {peaks[1] / peaks[0]:.3f}   goal 1.05")


if __name__ == "__main__":
    main()
