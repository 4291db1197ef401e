"""The farm: what workers bring, what cutting costs, and how small the driver stays.

    python benchmarks/farm.py [--only NAME ...] [--seconds S] [--rounds N]

``workers``: frames a second of one local worker and of two, on a film of a bundled puppet in four
segments, and how the work is divided, in CPU time, which other programs disturb less.
``cutting``: time and CPU of a film cut into segments, by that of the same film in one go, one
worker each. ``driver``: peak memory of ``farm run`` and ``farm submit`` on a film of two hours
(64 x 48, 5 frames a second). ``list``: milliseconds for the table of 1,000 jobs. ``resume``:
milliseconds until it is known what is left of a film of two hours, and of 10,000 pictures.
``pictures``: pictures a second of one worker, and its peak memory after a hundred and after four
hundred. ``ray``: seconds that a cluster takes to start, and frames a second of two cores of it.

Each but ``driver``, ``list`` and ``resume`` wants a quiet machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import as_file
from pathlib import Path

import av
import numpy as np
import psutil

from masquerade.apps.farm.driver import Driver
from masquerade.apps.farm.executor import Done, Executor, Failed
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.local import LocalExecutor
from masquerade.apps.farm.pictures_run import begin_run
from masquerade.apps.farm.share import Share
from masquerade.apps.farm.status import show
from masquerade.apps.farm.task import Task
from masquerade.apps.farm.work_folder import BATCH_SUFFIX, WorkFolder
from masquerade.apps.jobs.job import Job, JobSpec
from masquerade.apps.jobs.store import JobStore
from masquerade.engine.seam import Seams
from masquerade.media.image import read_image
from masquerade.media.open import open_sink
from masquerade.media.puppet.acting import Scene
from masquerade.media.puppet.portrait import BUNDLED, bundled_photo
from masquerade.media.puppet.source import PuppetSource
from masquerade.media.segments import SegmentPlan
from measuring import Spread, machine

SIZE_WH = (640, 480)
RATE = 25
PIECES = 4
LONG_S, LONG_RATE, LONG_WH = 7200, 5, (64, 48)
NOTHING_DONE = {
    "frames": 0, "faces_swapped": 0, "faces_concealed": 0, "faces_passed": 0,
    "frames_without_face": 0, "frames_concealed": 0,
}  # fmt: skip


class Bench:
    """What the parts of this benchmark share."""

    def __init__(self, folder: Path, donor: Path, seconds: float, rounds: int) -> None:
        self.folder, self.donor = folder, donor
        self.seconds, self.rounds = seconds, rounds
        self.store = JobStore(folder / "jobs.sqlite")
        self._number = 0

    def film(self, seconds: float) -> Path:
        """Of a puppet that talks; made once."""
        path = self.folder / f"film-{seconds:g}.mp4"
        if not path.exists():
            with PuppetSource([Scene(seconds=seconds)], size_wh=SIZE_WH) as source:
                sink = open_sink(path, source)
                for frame in source:
                    sink.write(frame)
                sink.commit()
        return path

    def spec(self, target: Path, output: str = "", **words: object) -> JobSpec:
        self._number += 1
        name = output or f"out-{self._number}{target.suffix}"
        values = {"donors": {"a": (self.donor,)}, "consents": {"a": "self"}, **words}
        return JobSpec(name=target.name, target=target, output=self.folder / name, **values)

    def farm(self, spec: JobSpec, executor: Executor) -> float:
        """Seconds of a job."""
        (job,) = self.store.add_farm([(spec, 0)])
        begun_s = time.perf_counter()
        with Driver(self.store, executor, only={job.id}) as driver:
            driver.run()
        taken_s = time.perf_counter() - begun_s
        ended = self.store.get(job.id)
        assert ended.state == "done", ended.failure
        return taken_s

    def whole(self, spec: JobSpec, executor: LocalExecutor) -> float:
        """Seconds of the same film in one go, by the same kind of worker."""
        task = Task(job_id=f"whole-{self._number}", step="whole", spec=spec, folder=self.folder)
        begun_s = time.perf_counter()
        executor.submit(task)
        while True:
            for event in executor.results(1.0):
                assert not isinstance(event, Failed), event
                if isinstance(event, Done):
                    return time.perf_counter() - begun_s

    @contextlib.contextmanager
    def local(self, workers: int) -> Iterator[LocalExecutor]:
        """Workers that have begun to work."""
        with LocalExecutor(Share(workers)) as executor:
            self.farm(self.spec(self.film(2 * workers), segment_s=1.0), executor)
            yield executor


def workers(bench: Bench) -> None:
    film, rates = bench.film(bench.seconds), {1: list[float](), 2: list[float]()}
    spent = {1: list[float](), 2: list[float]()}
    frames = bench.seconds * RATE
    for _ in range(bench.rounds):
        for count in rates:
            with bench.local(count) as executor:
                before = _cpu_s(executor)
                spec = bench.spec(film, segment_s=bench.seconds / PIECES)
                rates[count].append(frames / bench.farm(spec, executor))
                after = _cpu_s(executor)
                spent[count].append(max(after[pid] - before.get(pid, 0.0) for pid in after))
    for what, one, two in (("fps", rates[1], rates[2]), ("s of CPU", spent[1], spent[2])):
        print(f"one worker: {Spread.of(one)} {what}; two, or the busier one: {Spread.of(two)}")
    gains = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    print(
        f"two are as quick as {np.median(gains):.2f} ({min(gains):.2f}..{max(gains):.2f})", end=""
    )
    shared = [one / two for one, two in zip(spent[1], spent[2], strict=True)]
    print(f"; by CPU {np.median(shared):.2f} ({min(shared):.2f}..{max(shared):.2f})")


def _cpu_s(executor: LocalExecutor) -> dict[int, float]:
    """Of each worker, since it began."""
    return {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in executor.processes}


def cutting(bench: Bench) -> None:
    film, shares, costs = bench.film(bench.seconds), list[float](), list[float]()
    with bench.local(1) as executor:
        (number,) = executor.processes
        process = psutil.Process(number)

        def cost(work: Callable[[], float]) -> tuple[float, float]:
            before = sum(process.cpu_times()[:2])
            return work(), sum(process.cpu_times()[:2]) - before

        for _ in range(bench.rounds):
            whole_s, whole_cpu_s = cost(lambda: bench.whole(bench.spec(film), executor))
            cut_s, cut_cpu_s = cost(lambda: bench.farm(bench.spec(film), executor))
            shares.append(100 * (cut_s / whole_s - 1))
            costs.append(100 * (cut_cpu_s / whole_cpu_s - 1))
            print(
                f"  whole {whole_s:.1f} s, CPU {whole_cpu_s:.1f}; cut {cut_s:.1f}, {cut_cpu_s:.1f}"
            )
    print(f"cutting {bench.seconds:g} s of film costs {Spread.of(shares)} % time", end=", ")
    print(f"{Spread.of(costs)} % CPU")


def long_film(folder: Path) -> Path:
    """Two hours of noise that moves a little, with a key frame every ten seconds."""
    path = folder / "long.mp4"
    if path.exists():
        return path
    noise = np.random.default_rng(1).integers(0, 255, (*LONG_WH[::-1], 3), dtype=np.uint8)
    with av.open(str(path), "w") as film:
        options = {"g": str(10 * LONG_RATE), "preset": "ultrafast"}
        stream = film.add_stream("libx264", rate=LONG_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = *LONG_WH, "yuv420p"
        for number in range(LONG_S * LONG_RATE):
            pixels = np.roll(noise, number, axis=1)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        film.mux(stream.encode(None))
    return path


def driver(bench: Bench) -> None:
    film = long_film(bench.folder)
    file = bench.folder / "long.toml"
    file.write_text(
        f'targets = "{film}"\noutput = "long-out.mp4"\ndonor = "{bench.donor}"\n'
        'consent = "self"\nallow_no_face = true\nsegment_s = 60\n'
    )
    submit_mb = _peak_mb(bench, "submit", str(file))
    begun_s = time.monotonic()
    run_mb = _peak_mb(bench, "run", "--workers", "1")
    words = f"{LONG_S * LONG_RATE} frames in {time.monotonic() - begun_s:.0f} s"
    print(f"the driver of a film of two hours took {run_mb:.0f} MB at most ({words})", end="; ")
    print(f"to submit it, which reads the donor's face, {submit_mb:.0f} MB")


def _peak_mb(bench: Bench, *words: str) -> float:
    """Of a command of the farm, its workers not counted."""
    with (bench.folder / "driver.log").open("wb") as log:
        command = [sys.executable, "-m", "masquerade", "farm", *words]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        peak = 0
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration, IndexError):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                word = next(line for line in lines if line.startswith("VmHWM"))
                peak = max(peak, int(word.split()[1]))
            time.sleep(0.1)
    assert process.returncode == 0, (bench.folder / "driver.log").read_text()[-2000:]
    return peak / 1024


def listing(bench: Bench) -> None:
    with JobStore(bench.folder / "list.sqlite") as store:
        specs = [bench.spec(bench.folder / f"{number}.mp4") for number in range(1000)]
        store.add_farm([(spec, number % 3) for number, spec in enumerate(specs)])
        times_ms = [_ms(lambda: show(store.newest(1000, lane="farm"))) for _ in range(9)]
    print(f"1,000 jobs listed: {Spread.of(times_ms[1:])} ms")


def resume(bench: Bench) -> None:
    journal = Journal(bench.store)
    for name, job, suffix in (
        ("a film of two hours", _half_done_film(bench, journal), ".mp4"),
        ("10,000 pictures", _half_done_pictures(bench, journal), BATCH_SUFFIX),
    ):
        folder = WorkFolder.of(job.spec.output, job.id)
        count = len(json.loads(_begun(journal, job)))
        for number in range(0, count, 2):
            passing = folder.passing(f"{number:06d}{suffix}")
            passing.write_bytes(b"x" * 1000)
            report = {
                "counts": NOTHING_DONE, "seconds": 1.0, "warnings": [], "failed": [],
                "seams": Seams().as_dict(),
            }  # fmt: skip
            folder.place(passing, number, report)
        times_ms = [_ms(lambda job=job: begin_run(job, journal)) for _ in range(8)]
        print(f"what is left of {count} pieces of {name}: {Spread.of(times_ms[1:])} ms", end=", ")
        print(f"the first time, which fills the journal, {times_ms[0]:.0f} ms")


def _half_done_film(bench: Bench, journal: Journal) -> Job:
    spec = bench.spec(long_film(bench.folder), segment_s=20.0)
    (job,) = bench.store.add_farm([(spec, 0)])
    begin_run(job, journal)
    begun = journal.begun_with(job.id) or {}
    plan = replace(SegmentPlan.from_json(begun["plan"]), scouted_for="benchmark")
    journal.begin(job.id, begun | {"plan": plan.to_json()})
    return job


def _half_done_pictures(bench: Bench, journal: Journal) -> Job:
    folder = bench.folder / "many"
    folder.mkdir(exist_ok=True)
    data = bench.donor.read_bytes()[:20_000]
    for number in range(10_000):
        (folder / f"{number}.jpg").write_bytes(data)
    (job,) = bench.store.add_farm([(bench.spec(folder, "many-out/{stem}.jpg"), 0)])
    (bench.folder / "many-out").mkdir(exist_ok=True)
    begin_run(job, journal)
    return job


def _begun(journal: Journal, job: Job) -> str:
    begun = journal.begun_with(job.id)
    assert begun is not None
    plan = begun["plan"]
    assert plan is None or len(SegmentPlan.from_json(plan).segments) == len(begun["frames"])
    return json.dumps(begun["frames"])


def pictures(bench: Bench) -> None:
    data = bench.donor.read_bytes()
    width, height = read_image(bench.donor).size_wh
    with LocalExecutor(Share(1)) as executor:
        for count in (32, 100, 400):
            folder = bench.folder / f"pictures-{count}"
            folder.mkdir()
            (bench.folder / f"{folder.name}-out").mkdir()
            for number in range(count):
                (folder / f"{number}.jpg").write_bytes(data)
            spec = bench.spec(folder, f"{folder.name}-out/{{stem}}.jpg")
            taken_s = bench.farm(spec, executor)
            status = Path(f"/proc/{executor.processes[0]}/status").read_text()
            peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
            words = "with the start of the worker" if count == 32 else f"{width} x {height}"
            print(f"{count} pictures: {count / taken_s:.2f} a second ({words})", end=", ")
            print(f"peak of the worker {int(peak.split()[1]) / 1024:.0f} MB")


def ray(bench: Bench) -> None:
    from masquerade.apps.farm.ray_cluster import RayExecutor
    from masquerade.apps.farm.ray_session import RaySession

    film, frames, rates = bench.film(bench.seconds), bench.seconds * RATE, list[float]()
    begun_s = time.perf_counter()
    with RaySession("", cores=2) as session:
        print(f"a cluster of two cores started in {time.perf_counter() - begun_s:.1f} s")
        with (
            LocalExecutor(Share(1)) as home,
            RayExecutor(session, home, shared=True) as executor,
        ):
            bench.farm(bench.spec(bench.film(4), segment_s=1.0), executor)
            for _ in range(bench.rounds):
                spec = bench.spec(film, segment_s=bench.seconds / PIECES)
                rates.append(frames / bench.farm(spec, executor))
    print(f"two cores of Ray: {Spread.of(rates)} fps; compare with `--only workers`")


def _ms(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun_s)


PARTS: dict[str, Callable[[Bench], None]] = {
    "list": listing,
    "resume": resume,
    "driver": driver,
    "pictures": pictures,
    "workers": workers,
    "cutting": cutting,
    "ray": ray,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=60, help="of film (cutting: 300 wanted)")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(machine(), flush=True)
    with (
        tempfile.TemporaryDirectory() as name,
        as_file(bundled_photo(BUNDLED[0])) as donor,
    ):
        os.environ["MASQUERADE_HOME"] = str(Path(name) / "home")
        bench = Bench(Path(name), donor, args.seconds, args.rounds)
        with bench.store:
            for part in args.only:
                PARTS[part](bench)
                sys.stdout.flush()


if __name__ == "__main__":
    main()
