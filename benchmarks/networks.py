"""Brought networks: what they cost, beside the serial schedule of Deep-Live-Cam, in one run.

    python benchmarks/networks.py                       # all cases
    python benchmarks/networks.py --only keys --seconds 20

The networks are full-cost stand-ins (docs/networks.md): the published graphs, parameters and
multiply-adds with random weights. Times and memory are those of the real ones, pictures are not.
Run it on a quiet machine; `masquerade models quantize` is run first where a variant is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from measuring import Spread, machine
from moving import Case, Loop, Nowhere, write_clip
from peer_schedule import PeerSchedule, peer_fps
from stand_in_library import use_stand_ins

VGA, HD = Case("640x480", (640, 480)), Case("1280x720", (1280, 720))
SWAPPER, ENHANCER = "inswapper_128", "gfpgan_1.4"


def settings(**changes):
    from masquerade import Settings

    return Settings(model=SWAPPER, **changes)


def execution(precision: str = "auto"):
    from masquerade.core.execution import Execution

    return Execution(precision=precision)


def same_work(args) -> None:
    """Every frame through the swapper at 640x480; goals: exact 2.0 x, files 2.2 x, int8 4 x."""
    from masquerade import Engine
    from masquerade.models.library import Library

    frames, kps = VGA.frames(12), _points(VGA)
    library = Library()
    latent = _unit(512)
    peer = PeerSchedule(library.path(SWAPPER), library.path("det_10g"), latent)
    ours = {"exact (fp32)": execution("fp32"), "bf16": execution("bf16")}
    if "int8" in library.variants(SWAPPER):
        ours["int8"] = execution("int8")
    seen: dict[str, list[float]] = {name: [] for name in ("peer", *ours)}
    names = {}
    for _ in range(args.rounds):
        seen["peer"].append(peer_fps(peer, frames, kps, args.frames))
        for name, how in ours.items():
            with Engine(args.donor, settings(refresh="every"), execution=how) as engine:
                engine.run(Loop(frames, 2), Nowhere())
                report = engine.run(Loop(frames, args.frames), Nowhere())
            seen[name].append(report.fps)
            names[name] = " ".join(report.models)
            _let_go()
    base = statistics.median(seen["peer"])
    print(
        f"\nevery frame at 640x480, frames a second, {args.rounds} rounds of {args.frames} frames"
    )
    for name, values in seen.items():
        ratio = statistics.median(values) / base
        print(f"  {name:<14}{Spread.of(values)!s:<24}{ratio:5.2f} x  {names.get(name, '')}")


def keys(args) -> None:
    """Key frames live at 720p; goals: 24 fps and 2 refreshes a second, 20 and 0.5 with GFPGAN."""
    from masquerade.models.library import Library

    variants = Library().variants(ENHANCER)
    for enhancers, goal in (((), "24 fps, 2 a second"), ((ENHANCER,), "20 fps, 0.5 a second")):
        for precision in args.precisions:
            precision = precision if not enhancers or precision in variants else "auto"
            live = _live(args, settings(enhancer=enhancers), execution(precision))
            name = "+".join((SWAPPER, *enhancers))
            print(f"\n{name}, {precision}, camera of 30 fps at 720p (goal: {goal})\n  {live}")
            _let_go()


def _live(args, how, where) -> str:
    from masquerade import Engine
    from masquerade.engine.live import LiveSession
    from masquerade.media.live import SourceOptions, open_live_source

    source = open_live_source(str(args.clip), SourceOptions(rate=30, loop=True))
    with (
        Engine(args.donor, how, execution=where) as engine,
        LiveSession(engine, source, {"null": Nowhere()}) as session,
    ):
        session.wait(6)
        before, at_s = session.statistics(), time.perf_counter()
        session.wait(args.seconds)
        after, passed_s = session.statistics(), time.perf_counter() - at_s
    shown = (after.frames - before.frames) / passed_s
    made = (after.networks["refreshes"] - before.networks["refreshes"]) / passed_s
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in after.stages_ms.items())
    return (
        f"{shown:.1f} fps shown, {made:.2f} key frames a second; "
        f"p95 {after.latency_ms.p95:.0f} ms, {after.dropped - before.dropped} dropped; "
        f"{' '.join(after.models)}\n  stages {stages} ms"
    )


def memory(args) -> None:
    """A limit of 2 GB on a job that takes more; goal: it holds, and what was lowered is said."""
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for limit in (None, 2.0):
            out = Path(folder) / f"out-{limit}.mp4"
            words = ["swap", "-s", str(args.photo), "-t", str(args.clip), "-o", str(out)]
            words += ["--model", SWAPPER, "--enhancer", ENHANCER, "--refresh", "20"]
            words += ["--trim-end", "2", "--consent", "public-domain"]
            words += ["--max-memory", str(limit)] if limit else []
            peak, text, code = _watched([sys.executable, "-m", "masquerade", *words])
            sizes[limit] = peak
            print(f"\n--max-memory {limit}: peak RSS {peak / 2**30:.2f} GB, exit code {code}")
            print("  " + "\n  ".join(line for line in text.splitlines() if line.strip())[-900:])
    print(f"  held: {sizes[2.0] <= 2 * 2**30}; without a limit {sizes[None] / 2**30:.2f} GB")


def _watched(command: list[str]) -> tuple[int, str, int]:
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT, text=True)
        peak, handle = 0, psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, handle.memory_info().rss)
            except psutil.Error:
                break
            time.sleep(0.01)
        process.wait()
        words.seek(0)
        return peak, words.read(), process.returncode


def loading(args) -> None:
    """The first load of a model beside a later one; goal: 2 times faster."""
    from masquerade.core.folders import cache_folder
    from masquerade.models.library import Library
    from masquerade.runtime.loader import load_network

    path = Library().path(SWAPPER)
    first, later = [], []
    for _ in range(args.rounds):
        shutil.rmtree(cache_folder() / "networks", ignore_errors=True)
        for times in (first, later):
            began_s = time.perf_counter()
            load_network(path, execution("fp32")).close()
            times.append(time.perf_counter() - began_s)
    ratio = statistics.median(first) / statistics.median(later)
    times = f"first {Spread.of(first)} s, later {Spread.of(later)} s"
    print(f"\nloading {SWAPPER}: {times}: {ratio:.1f} x")


def _points(case: Case) -> np.ndarray:
    from masquerade.engine.networks import shared_networks
    from masquerade.geometry.templates import kps_from_landmarks

    faces = shared_networks(0).detector.find(case.frames(1)[0])
    return kps_from_landmarks(faces[0].landmarks)


def _unit(length: int) -> np.ndarray:
    values = np.random.default_rng(1).standard_normal((1, length)).astype(np.float32)
    return values / np.linalg.norm(values)


def _let_go() -> None:
    from masquerade.models.opening import close_models
    from masquerade.runtime.memory import return_freed_memory

    close_models()
    return_freed_memory()


CASES = {"same": same_work, "keys": keys, "memory": memory, "loading": loading}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--precisions", nargs="+", default=["int8"])
    parser.add_argument("--home", type=Path, help="folder of the stand-ins")
    args = parser.parse_args()
    home = use_stand_ins(args.home)
    from commands import DONOR
    from masquerade import Identity

    args.photo, args.donor = DONOR, Identity.from_photos(DONOR)
    print(machine())
    print(f"stand-ins in {os.path.relpath(home)}" if home.is_relative_to(Path.cwd()) else "")
    with tempfile.TemporaryDirectory() as folder:
        args.clip = Path(folder) / "clip.mp4"
        write_clip(args.clip, Loop(HD.frames(75), 75))
        for name, case in CASES.items():
            if args.only in (None, name):
                case(args)


if __name__ == "__main__":
    main()
