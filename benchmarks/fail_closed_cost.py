"""What the strict mode costs, and what each of the stages' knobs saves.

    python benchmarks/fail_closed_cost.py [--frames 80] [--rounds 3]

CPU milliseconds per 720p frame with one face, by stage. The variants take
turns in one run, so a busy machine slows all of them alike; medians of the rounds are printed.
Whole searches of a scene's first frame are left out of a median of frames: "first" is that frame.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2

from commands import DONOR
from masquerade import Engine, Identity, Settings
from masquerade.core.frame import Frame, FrameJob
from measuring import machine
from moving import Case

HD = Case("1280x720", (1280, 720))
Stages = dict[str, object]


def _set(stage: str, **values: float) -> Callable[[Stages], None]:
    def turn(stages: Stages) -> None:
        for name, value in values.items():
            setattr(stages[stage], name, value)

    return turn


VARIANTS: dict[str, tuple[dict[str, object], Callable[[Stages], None]]] = {
    "as it is": ({}, _set("swap")),
    "strict": ({"strict": True}, _set("strict")),
    "search every 30th": ({}, _set("detect", every=30)),
    "looks spread evenly": ({}, _set("detect", evenly=True)),
    "landmarks every 2nd": ({}, _set("track", looks=2)),
    "resolution 0.75": ({}, _set("swap", resolution=0.75)),
    "resolution 0.5": ({}, _set("swap", resolution=0.5)),
}
SHOWN = ("detect", "track", "select", "swap", "composite", "strict")


def measure(donor: Identity, name: str, frames: list, count: int) -> dict[str, float]:
    """CPU milliseconds by stage: the mean of the searches' stage, since few frames search; the
    median of the others; and the first frame."""
    changes, turn = VARIANTS[name]
    with Engine(donor, Settings(**changes), stage_clock=time.thread_time) as engine:
        line = engine.live_line((1280, 720), warm_up=False)
        stages = {stage.name: stage for section in line.sections for stage in section._stages}
        turn(stages)
        rows = []
        for seq in range(count):
            at = seq % (2 * len(frames) - 2)
            pixels = frames[min(at, 2 * len(frames) - 2 - at)]  # forth and back: no cut
            job = FrameJob(Frame(pixels, seq, 40 * seq))
            rows.append(line.process(job).timings_ms)
    later = rows[10:]
    row = {key: statistics.median(item[key] for item in later) for key in SHOWN}
    row["detect"] = statistics.fmean(item["detect"] for item in later)
    row["all"] = sum(row.values())
    row["first"] = sum(rows[0].values())
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=80, help="frames of a round")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(machine())
    cv2.setNumThreads(1)
    donor, frames = Identity.from_photos(DONOR), HD.frames(16)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for _ in range(args.rounds):
        for name in VARIANTS:
            rounds[name].append(measure(donor, name, frames, args.frames))
    columns = (*SHOWN, "all", "first")
    print(f"{'CPU ms a frame':22}" + "".join(f"{name:>10}" for name in columns))
    for name, rows in rounds.items():
        middle = {key: statistics.median(row[key] for row in rows) for key in columns}
        print(f"{name:22}" + "".join(f"{middle[key]:10.2f}" for key in columns))


if __name__ == "__main__":
    main()
