"""Does a real face ever show? Counts it on plays whose truth is known.

    python benchmarks/fail_closed.py [--rate 25] [--size 640x480] [--strict] [PLAY ...]
    python benchmarks/fail_closed.py --judge

Every visible face of every frame is one face frame. "leaked" must be 0; "before first" and
"after return" are frames in which nobody had found the face yet: what was never detected counts
there in full. "likeness" is the largest correlation of a concealed face's features with the
target's own (1 is untouched, 0.9 counts as shown).

``--judge`` lets an independent recogniser (dlib's ResNet) look at every frame of a real film, as
tests/fail_closed/real_clip.py edits it: covered, away, cut. It prints the distances of the person
of the film to themself, of the outputs to that person, and what was never found.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import fields
from importlib.resources import as_file
from pathlib import Path

import numpy as np

from masquerade import Engine, Settings
from masquerade.media.puppet import bundled_photo
from masquerade.testing import (
    PLAYS,
    SAME_PERSON,
    Exposure,
    FailingStage,
    MemorySink,
    MemorySource,
    Rehearsal,
    is_shown,
    likeness,
    play,
)


def rehearse(engine: Engine, name: str, **stage) -> tuple[Exposure, float]:
    """The counts of one play, and the largest likeness of a concealed face."""
    highest = 0.0

    def watch(target, output, truth):
        nonlocal highest
        for head in truth.heads:
            if head.visible and not is_shown(target, output, head):
                highest = max(highest, likeness(target, output, head))

    rehearsal = Rehearsal(play(name, **stage), witness=watch)
    engine.run(rehearsal.source, rehearsal.sink, allow_no_face=True)
    return rehearsal.exposure, highest


def judge_film() -> None:
    """Every frame of the real film, swapped as it is and with a step that fails every 7th frame."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fail_closed"))
    from real_clip import PARTS, Witness, film

    from masquerade.engine import staging as wiring

    frames = film()
    witness = Witness(range(len(frames)))
    own = [
        min(seen.distance(other) for k, other in witness.seen.items() if abs(k - seq) >= 6)
        for seq, seen in witness.seen.items()
    ]
    print(f"the judge sees the person in {len(own)} of {len(frames)} frames of the film")
    print(f"{'distance to the person of the film':44}{'least':>8}{'median':>8}{'most':>8}  shown")
    _print_distances("the film itself (other moments)", own)
    real = wiring.Swap
    for title, fails in (
        ("swapped", frozenset().__contains__),
        ("the swap fails on every 7th frame", lambda seq: seq % 7 == 3),
    ):
        wiring.Swap = lambda *args, fails=fails: FailingStage(real(*args), fails)
        sink = MemorySink()
        with (
            as_file(bundled_photo("mona_lisa")) as photo,
            Engine(photo, Settings(label="none")) as engine,
        ):
            engine.run(MemorySource(frames), sink)
        shown = [witness.nearest(frame.seq, frame.pixels) for frame in sink.frames]
        for name, (first, end) in PARTS.items():
            _print_distances(f"{title}: {name}", shown[first:end])
    wiring.Swap = real


def _print_distances(title: str, values: list[float]) -> None:
    """One row; frames without any face count as infinitely far, and are told apart."""
    faces = [value for value in values if np.isfinite(value)]
    below = sum(value <= SAME_PERSON for value in values)
    spread = (min(faces), statistics.median(faces), max(faces)) if faces else (np.nan,) * 3
    row = "".join(f"{value:8.2f}" for value in spread)
    print(f"{title:44}{row}{below:7d}  ({len(values) - len(faces)} without a face)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plays", nargs="*", metavar="PLAY", help=", ".join(PLAYS))
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--size", default="640x480", metavar="WxH")
    parser.add_argument("--noise", type=float, default=2.0)
    parser.add_argument("--strict", action="store_true", help="one face is swapped, all are hidden")
    parser.add_argument("--judge", action="store_true", help="the real film and its judge")
    options = parser.parse_args()
    if options.judge:
        judge_film()
        return
    width, height = (int(side) for side in options.size.split("x"))
    stage = {"size_wh": (width, height), "rate": options.rate, "noise": options.noise}
    names = [item.name for item in fields(Exposure) if item.name != "leaks"]
    print(f"{'play':20}" + "".join(f"{name.replace('_', ' '):>14}" for name in names), end="")
    print(f"{'likeness':>10}{'s':>7}")
    total = dict.fromkeys(names, 0)
    settings = Settings(many_faces=not options.strict, strict=options.strict, label="none")
    with as_file(bundled_photo("mona_lisa")) as photo, Engine(photo, settings) as engine:
        for name in options.plays or PLAYS:
            started = time.perf_counter()
            counts, highest = rehearse(engine, name, **stage)
            print(f"{name:20}" + "".join(f"{getattr(counts, key):14d}" for key in names), end="")
            print(f"{highest:10.2f}{time.perf_counter() - started:7.1f}", flush=True)
            if counts.leaks:
                print("    leaks:", ", ".join(f"{who}@{seq}" for seq, who in counts.leaks))
            total = {key: total[key] + getattr(counts, key) for key in names}
    print(f"{'all':20}" + "".join(f"{total[key]:14d}" for key in names))


if __name__ == "__main__":
    main()
