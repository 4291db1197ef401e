"""Does a real face ever show? Counts it on plays whose truth is known.

    python benchmarks/fail_closed.py [--rate 25] [--size 640x480] [PLAY ...]

Every visible face of every frame is one face frame. "leaked" must be 0; "before first" and
"after return" are frames in which nobody had found the face yet: what was never detected counts
there in full. "likeness" is the largest correlation of a concealed face's features with the
target's own (1 is untouched, 0.9 counts as shown).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import fields
from importlib.resources import as_file

from masquerade import Engine, Settings
from masquerade.media.puppet import bundled_photo
from masquerade.testing import PLAYS, Exposure, Rehearsal, is_shown, likeness, play


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plays", nargs="*", metavar="PLAY", help=", ".join(PLAYS))
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--size", default="640x480", metavar="WxH")
    parser.add_argument("--noise", type=float, default=2.0)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    stage = {"size_wh": (width, height), "rate": options.rate, "noise": options.noise}
    names = [item.name for item in fields(Exposure) if item.name != "leaks"]
    print(f"{'play':20}" + "".join(f"{name.replace('_', ' '):>14}" for name in names), end="")
    print(f"{'likeness':>10}{'s':>7}")
    total = dict.fromkeys(names, 0)
    settings = Settings(many_faces=True, label="none")
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
