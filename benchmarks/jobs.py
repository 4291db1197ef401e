"""The queue of files: how quickly it is listed, what previews take, what a job takes from others.

    python benchmarks/jobs.py [--only list|preview|beside]

``list``: milliseconds, wall and CPU, to list 1,000 jobs. ``preview``: milliseconds for a frame of a
bundled puppet's film, scrubbing and changing settings. ``beside``: frames a second of an engine in
this process while a job runs beside it, as a share of what it does alone in the same round; with
the worker's `nice` and without. Medians and extremes; a busy machine shows in them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file
from pathlib import Path

from masquerade import Engine, Settings
from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.jobs.preview import Previewer
from masquerade.apps.jobs.queue import JobQueue
from masquerade.apps.jobs.store import JobStore
from masquerade.media.open import open_sink
from masquerade.media.puppet.acting import Scene
from masquerade.media.puppet.portrait import BUNDLED, bundled_photo
from masquerade.media.puppet.source import PuppetSource
from measuring import Spread, machine

ROUNDS = 7
SIZE_WH = (640, 480)


def timed(work: Callable[[int], object], clock: Callable[[], float]) -> Spread:
    """Milliseconds by a clock, after one round that does not count."""
    work(0)
    times_ms = []
    for number in range(1, ROUNDS + 1):
        begun_s = clock()
        work(number)
        times_ms.append(1000 * (clock() - begun_s))
    return Spread.of(times_ms)


def listing(folder: Path) -> None:
    """1,000 jobs."""
    with JobStore(folder / "list.sqlite") as store:
        for number in range(1000):
            store.add(spec_of(folder / f"{number}.mp4", folder / "out.mp4", folder / "a.mqid"))
        wall = timed(lambda _: store.newest(1000), time.perf_counter)
        cpu = timed(lambda _: store.newest(1000), time.process_time)
    print(f"1,000 jobs listed: {wall} ms, CPU {cpu} ms")


def spec_of(target: Path, output: Path, donor: Path) -> JobSpec:
    return JobSpec(name=target.name, target=target, output=output, donors={"a": (donor,)})


def make_film(path: Path, frames: int) -> Path:
    with PuppetSource([Scene(seconds=frames / 25)], size_wh=SIZE_WH) as source:
        sink = open_sink(path, source)
        for frame in source:
            sink.write(frame)
        sink.commit()
    return path


def previews(folder: Path, donor: Path) -> None:
    """Frames of a film, one after the other."""
    film = make_film(folder / "preview.mp4", 250)
    with Engine(donor) as engine, Previewer() as previewer:
        identities = dict(engine.identities)

        def scrub(number: int) -> None:
            make = lambda: Engine(identities, Settings(threads=1))  # noqa: E731
            previewer.swapped(film, 1.13 * number % 10, "same", make)

        def settings(number: int) -> None:
            changed = Settings(threads=1, shape=number / 10)
            previewer.swapped(film, 1.0, changed, lambda: Engine(identities, changed))

        for name, work in (("another moment", scrub), ("another setting", settings)):
            wall, cpu = timed(work, time.perf_counter), timed(work, time.process_time)
            print(f"preview of {name}: {wall} ms, CPU {cpu} ms")


def beside(folder: Path, donor: Path) -> None:
    """An engine alone, and beside a worker."""
    film = make_film(folder / "film.mp4", 600)
    with PuppetSource([Scene(seconds=2.4)], size_wh=SIZE_WH) as source:
        pictures = [frame.pixels for frame in source]
    with Engine(donor) as engine:

        def rate() -> float:
            engine.reset()
            begun_s = time.perf_counter()
            for number, pixels in enumerate(pictures):
                engine.process(pixels, 40 * number)
            return len(pictures) / (time.perf_counter() - begun_s)

        rate()
        shares: dict[str, list[float]] = {"with nice": [], "without": []}
        for _ in range(3):
            alone = rate()
            for how, nice in (("with nice", []), ("without", ["--nice", "0"])):
                shares[how].append(100 * _beside_job(folder, film, donor, nice, rate) / alone)
    for how, values in shares.items():
        print(f"an engine beside a job {how}: {Spread.of(values)} % of its rate alone")


def _beside_job(
    folder: Path, film: Path, donor: Path, nice: list[str], rate: Callable[[], float]
) -> float:
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        JobQueue(Path(place), workers=0) as queue,
    ):
        job = queue.add(spec_of(film, Path(place) / "out.mp4", donor))
        command = [
            sys.executable,
            "-m",
            "masquerade.apps.jobs.worker",
            str(queue.store.path),
            *nice,
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as worker:
            while queue.store.get(job.id).progress == 0:
                time.sleep(0.05)
            measured = rate()
            assert queue.store.get(job.id).state == "running", "the film is too short"
            assert worker.stdin is not None
            worker.stdin.close()
            worker.wait()
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("list", "preview", "beside"))
    only = parser.parse_args().only
    print(machine())
    with tempfile.TemporaryDirectory() as name, as_file(bundled_photo(BUNDLED[0])) as donor:
        folder = Path(name)
        if only in (None, "list"):
            listing(folder)
        if only in (None, "preview"):
            previews(folder, donor)
        if only in (None, "beside"):
            beside(folder, donor)


if __name__ == "__main__":
    main()
