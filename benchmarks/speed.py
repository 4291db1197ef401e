"""How fast frames become finished frames, and what it costs beside MediaPipe's landmarks alone.

    python benchmarks/speed.py
    python benchmarks/speed.py --peer-python VENV/bin/python --task face_landmarker.task

Targets are rendered talking heads. Rounds of every figure, the peer's too, alternate in one run,
so a busy machine slows all of them alike; the median and the extremes of the rounds are printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from commands import DONOR, run, swap_command
from masquerade import Engine, Identity, Settings
from measuring import Spread, cores, machine
from moving import Case, Loop, Nowhere, write_clip

HERE = Path(__file__).resolve().parent
VGA = Case("640x480", (640, 480))
HD = Case("1280x720", (1280, 720))
FULL_HD = Case("1920x1080, face of 500 px", (1920, 1080), face=500 / 1080)
ONE = Case("1280x720, one face of 180 px", (1280, 720), face=0.25)
FOUR = Case("1280x720, four faces of 180 px", (1280, 720), face=0.25, people=4)
GOALS_FPS = {VGA.name: 80, HD.name: 60, FULL_HD.name: 35}


def measure(case: Case, donor: Identity, args: argparse.Namespace) -> dict:
    """All figures of one case."""
    frames = case.frames(args.distinct)
    settings = Settings(many_faces=case.people > 1)
    rows: dict[str, list[float]] = {"fps": [], "cpu_ms": [], "latency_ms": []}
    peer_rows: dict[str, list[float]] = {"wall_ms": [], "cpu_ms": []}
    with Engine(donor, settings) as engine, started_peer(frames, args) as peer:
        for _ in range(args.rounds):
            wall, cpu = time.perf_counter(), time.process_time()
            report = engine.run(Loop(frames, args.frames), Nowhere())
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            rows["fps"].append(args.frames / wall)
            rows["cpu_ms"].append(1e3 * cpu / args.frames)
            rows["latency_ms"].append(single_thread_ms(engine, frames, args.frames // 2))
            if peer:
                for name, value in peer(args.frames).items():
                    peer_rows[name].append(value)
        assert report.faces_swapped >= 0.9 * args.frames * case.people, report
    return {
        "case": case.name,
        "ours": {name: Spread.of(values) for name, values in rows.items()},
        "peer": {name: Spread.of(values) for name, values in peer_rows.items() if values},
        "stage_cpu_ms": stage_cpu_ms(donor, settings, frames, args.frames),
    }


def single_thread_ms(engine: Engine, frames: list[np.ndarray], count: int) -> float:
    """Median time of ``Engine.process``, the first frames left out."""
    engine.reset()
    times = []
    for frame in Loop(frames, count):
        started = time.perf_counter()
        engine.process(frame.pixels)
        times.append(1e3 * (time.perf_counter() - started))
    return float(np.median(times[3:]))


def stage_cpu_ms(donor, settings, frames, count) -> dict[str, float]:
    """Median CPU time of each stage in its own thread."""
    with Engine(donor, settings, stage_clock=time.thread_time) as engine:
        return engine.run(Loop(frames, count), Nowhere()).timings_ms


@contextmanager
def started_peer(frames: list[np.ndarray], args: argparse.Namespace) -> Iterator:
    """A function that runs one round of the peer, or None without one."""
    if not args.peer_python:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frames.npy"
        np.save(file, np.stack(frames))
        process = subprocess.Popen(
            [args.peer_python, str(HERE / "speed_peer.py"), str(file), args.task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

        def round_(count: int) -> dict[str, float]:
            process.stdin.write(f"{count}\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer.pop("found") >= 0.9 * count
            return answer

        round_(10)  # loads and warms up
        yield round_
        process.stdin.close()
        process.wait(20)


def whole_command(args: argparse.Namespace) -> dict:
    """``masquerade swap`` on a 10 s 720p clip with sound, cold, against the clip's length."""
    seconds = 10
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "clip.mp4"
        write_clip(target, Loop(HD.frames(args.distinct), 25 * seconds))
        command = swap_command(target, Path(folder) / "out.mp4")
        times = [run(command).seconds for _ in range(args.commands)]
    return {"clip_s": seconds, "command_s": Spread.of(times)}


def show(result: dict) -> None:
    ours, peer = result["ours"], result["peer"]
    goal = GOALS_FPS.get(result["case"])
    stages = ", ".join(f"{name} {value:.2f}" for name, value in result["stage_cpu_ms"].items())
    print(f"\n{result['case']}")
    print(f"  pipeline        {ours['fps']} fps" + (f"   goal {goal}" if goal else ""))
    print(f"  one thread      {ours['latency_ms']} ms a frame")
    print(f"  CPU             {ours['cpu_ms']} ms a frame")
    print(f"  CPU by stage    {stages} ms")
    if peer:
        ratio = ours["cpu_ms"].median / peer["cpu_ms"].median
        print(f"  MediaPipe       {peer['wall_ms']} ms wall, {peer['cpu_ms']} ms CPU a frame")
        print(f"  our CPU / its   {ratio:.2f} (a whole swap against its landmarks)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=120, help="frames of a round")
    parser.add_argument("--distinct", type=int, default=40, help="different frames rendered")
    parser.add_argument("--commands", type=int, default=3, help="runs of the whole command")
    parser.add_argument("--peer-python", help="python that has mediapipe")
    parser.add_argument("--task", help="its face_landmarker.task")
    parser.add_argument("--only", help="cases whose name contains this")
    args = parser.parse_args()
    if args.peer_python and not args.task:
        parser.error("--peer-python needs --task")
    print(machine())
    if cores() > 2:
        print("more than two cores: pin the process (taskset -c 0,1) to compare with the goals")
    donor = Identity.from_photos(DONOR)
    results = {}
    for case in (VGA, HD, FULL_HD, ONE, FOUR):
        if not args.only or args.only in case.name:
            results[case] = measure(case, donor, args)
            show(results[case])
    if ONE in results and FOUR in results:
        one, four = (results[case]["ours"]["cpu_ms"].median for case in (ONE, FOUR))
        print(f"\nfour faces / one: {four / one:.2f} times the CPU time   goal 2.5")
    if args.commands:
        whole = whole_command(args)
        print(f"\nwhole command on a {whole['clip_s']} s 720p clip: {whole['command_s']} s")


if __name__ == "__main__":
    main()
