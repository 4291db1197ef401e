"""Do stages overlap? Frames per second of stand-in stages, against the slowest one alone.

    python benchmarks/pipeline_overlap.py

Every stage waits a, b or c milliseconds as if for a device. Side by side they should reach
1 / max(a, b, c), in turn they would reach 1 / (a + b + c). Both are printed, and what was measured
with one thread and with the scheduler. The test suite proves the overlap without a clock.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.line import Line
from masquerade.pipeline.scheduler import Scheduler
from measuring import Spread, machine
from moving import Loop, Nowhere


class Wait:
    """A stage that takes a fixed time and no processor."""

    def __init__(self, name: str, ms: float) -> None:
        self.name, self._ms = name, ms

    def process(self, job):
        time.sleep(self._ms / 1e3)
        return job

    def reset(self) -> None:
        pass


def fps(groups: list[list[Wait]], frames: list[np.ndarray], count: int) -> float:
    line = Line(groups, concealment=Concealment("hold", 0.3))
    started = time.perf_counter()
    Scheduler().run(Loop(frames, count), line, Nowhere())
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(machine())
    frames = [np.zeros((480, 640, 3), np.uint8)] * 2
    for times_ms in ((8, 8, 8), (4, 10, 6), (20, 5, 5)):
        stages = [Wait(name, ms) for name, ms in zip("abc", times_ms, strict=True)]
        apart = [fps([[s] for s in stages], frames, args.frames) for _ in range(args.rounds)]
        in_turn = fps([stages], frames, args.frames)
        limit = 1e3 / max(times_ms)
        share = Spread.of(apart).median / limit
        print(
            f"{times_ms} ms: {Spread.of(apart)} fps of at most {limit:.1f} ({100 * share:.0f} %, "
            f"goal 95 %); in turn {in_turn:.1f} of {1e3 / sum(times_ms):.1f}"
        )


if __name__ == "__main__":
    main()
