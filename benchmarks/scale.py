"""What the farm would do on more machines than anybody has here: measured costs, simulated racks.

    python benchmarks/scale.py [--costs costs.json] [--nodes 1 4 16 ...]

First it measures on this machine, in CPU seconds: the scouting of a film, a frame of a segment and
of the joint (a bundled puppet's film of 640 x 480, one take), the run-up of a segment, and what the
driver does for one. What was measured is kept in ``--costs``, and taken from there the next time.

Then it simulates machines of 16 cores that do films of ten minutes, or one film of two hours:
a film is scouted on a node, workers take its segments, the driver hears of one after the other,
storage has a bandwidth, machines break. It prints how much of the machines' time is used, and how
busy is what might be the limit. ``home`` are the workers of the driver's machine, which join and
sign.

Ray's part is two constants: half a millisecond of the driver to hand a task over and to hear of it,
ten seconds until a machine that broke is missed.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import tempfile
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from importlib.resources import as_file
from pathlib import Path

from masquerade.apps.farm.executor import Done
from masquerade.apps.farm.job_run import JobRun
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.steps import Steps
from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.jobs.store import JobStore
from masquerade.media.open import open_sink
from masquerade.media.puppet.acting import Scene
from masquerade.media.puppet.portrait import BUNDLED, bundled_photo
from masquerade.media.puppet.source import PuppetSource
from measuring import machine

CORES = 16
FILMS = 32  # for each machine
RATE = 25
SEGMENT_S, FILM_S = 100.0, 600.0
HANDING_S = 0.0005
MISSED_S, MENDED_S = 10.0, 600.0
MEASURED_S = 24


@dataclass(frozen=True)
class Costs:
    """CPU seconds, and bytes.

    Attributes:
        scout_s: of a film of one take; its length hardly matters.
        swap_s: of a frame, finding its faces included.
        run_up_s: of a segment, for the frames before it.
        join_s: of a frame, signature included.
        driver_s: of the driver for a segment, journal and log included.
        input_bytes, output_bytes: of a frame.
    """

    scout_s: float
    swap_s: float
    run_up_s: float
    join_s: float
    driver_s: float
    input_bytes: float
    output_bytes: float


def measure(folder: Path, donor: Path) -> Costs:
    """Do a film by the farm's own steps in this process."""
    film = folder / "film.mp4"
    with PuppetSource([Scene(seconds=MEASURED_S)], size_wh=(640, 480)) as source:
        sink = open_sink(film, source)
        for frame in source:
            sink.write(frame)
        sink.commit()
    spec = JobSpec(
        name="film", target=film, output=folder / "out.mp4", donors={"a": (donor,)},
        consents={"a": "self"}, segment_s=MEASURED_S / 2,
    )  # fmt: skip
    steps, spent = Steps(), {"scout": 0.0, "segment": 0.0, "join": 0.0}
    frames, pieces, before, driver_s = MEASURED_S * RATE, 0, 0, 0.0
    with JobStore(folder / "jobs.sqlite") as store:
        (job,) = store.add_farm([(spec, 0)])
        run = JobRun(job, Journal(store), signs=False)
        while (task := run.next_task()) is not None:
            if task.step == "scout":
                steps._engine_for(task).load((640, 480))
            began_s = time.process_time()
            result = steps.do(task, lambda _progress: None)
            spent[task.step] += time.process_time() - began_s
            if task.step == "segment":
                pieces += 1
                before += result["report"]["run_up_frames"]
            began_s = time.process_time()
            run.take(Done(task.id, "here", json.loads(json.dumps(result))))
            driver_s += (time.process_time() - began_s) * (task.step == "segment")
    assert pieces > 1, "the film was not cut"
    swap_s = spent["segment"] / (frames + before)
    return Costs(
        spent["scout"],
        swap_s,
        swap_s * before / (pieces - 1),
        spent["join"] / frames,
        driver_s / pieces + HANDING_S,
        film.stat().st_size / frames,
        spec.output.stat().st_size / frames,
    )


@dataclass(frozen=True)
class Rack:
    """What is simulated.

    Attributes:
        nodes: machines that swap.
        films: how many there are.
        film_s: length of each, seconds.
        home: workers of the driver's machine, which join and sign.
        storage_bytes_s: what the shared storage reads and writes a second.
        node_life_s: time between two failures of a machine, on average.
    """

    nodes: int
    films: int
    film_s: float
    home: int
    storage_bytes_s: float = 2.5e9
    node_life_s: float = 30 * 86400


@dataclass
class Simulation:
    """One run of a rack, event by event; times are seconds."""

    rack: Rack
    costs: Costs
    chance: random.Random
    now: float = 0.0
    worked: float = 0.0
    lost: int = 0
    busy: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("driver", "storage"), 0.0)
    )
    home_busy: float = 0.0

    def run(self) -> float:
        """Seconds until the last film is signed."""
        rack, costs = self.rack, self.costs
        frames = SEGMENT_S * RATE
        pieces = round(rack.film_s / SEGMENT_S)
        self._free = {"driver": 0.0, "storage": 0.0}
        self._events: list[tuple[float, int, str, int]] = []
        self._order = itertools.count()
        left = [pieces] * rack.films
        ready: deque[int] = deque()
        unseen, joins, home_free = deque(range(rack.films)), deque[int](), rack.home
        free = rack.nodes * CORES
        done = 0
        scout_s = costs.scout_s
        swap_s = frames * costs.swap_s + costs.run_up_s
        moved = frames * (costs.input_bytes + costs.output_bytes)
        while done < rack.films:
            while home_free and joins:
                home_free -= 1
                film, taken_s = joins.popleft(), costs.join_s * frames * pieces
                moved_s = 4 * frames * pieces * costs.output_bytes / rack.storage_bytes_s
                self._at(self._queue("storage", moved_s, self.now + taken_s), "join", film)
                self.home_busy += taken_s
            while free and ready:
                free -= 1
                film = ready.popleft()
                begun_s = self._queue("driver", costs.driver_s, self.now)
                read_s = self._queue("storage", moved / rack.storage_bytes_s, begun_s)
                if self.chance.random() < 1 - 2.718281828 ** (-swap_s / rack.node_life_s):
                    self.lost += 1
                    self._at(read_s + swap_s * self.chance.random() + MISSED_S, "lost", film)
                    self._at(read_s + MENDED_S, "mended", film)
                else:
                    self._at(read_s + swap_s, "done", film)
            while free and unseen:  # the next films, where no segment waits
                free -= 1
                self._at(self.now + scout_s, "scout", unseen.popleft())
            self.now, _order, kind, film = heapq.heappop(self._events)
            match kind:
                case "scout":
                    free += 1
                    self.worked += scout_s
                    ready.extend([film] * pieces)
                case "lost":
                    ready.appendleft(film)
                case "mended":
                    free += 1
                case "done":
                    free += 1
                    self.worked += swap_s
                    left[film] -= 1
                    if not left[film]:
                        joins.append(film)
                case "join":
                    home_free += 1
                    done += 1
        return self.now

    def _at(self, moment_s: float, kind: str, film: int) -> None:
        heapq.heappush(self._events, (moment_s, next(self._order), kind, film))

    def _queue(self, what: str, takes_s: float, from_s: float) -> float:
        """When something that does one thing after the other is through with this one."""
        self._free[what] = max(self._free[what], from_s) + takes_s
        self.busy[what] += takes_s
        return self._free[what]


def show(title: str, rack: Rack, costs: Costs) -> None:
    simulation = Simulation(rack, costs, random.Random(1))
    taken_s = simulation.run()
    frames = rack.films * rack.film_s * RATE
    workers = rack.nodes * CORES
    busy = ", ".join(f"{name} {share / taken_s:.0%}" for name, share in simulation.busy.items())
    print(
        f"{title} {rack.nodes:5} nodes, home {rack.home:4}: {frames / taken_s:9.0f} fps, "
        f"workers {simulation.worked / taken_s / workers:4.0%} busy; "
        f"home {simulation.home_busy / taken_s / rack.home:4.0%}, {busy}; {simulation.lost} lost"
    )


def billion(costs: Costs) -> None:
    """What a billion frames of this size cost."""
    more_s = costs.run_up_s / (SEGMENT_S * RATE) + costs.scout_s / (FILM_S * RATE)
    hours = 1e9 * (costs.swap_s + costs.join_s + more_s) / 3600
    stored = 1e9 * (costs.input_bytes + costs.output_bytes) / 1e12
    written = 1e9 * 3 * costs.output_bytes / 1e12
    segments = 1e9 / (SEGMENT_S * RATE)
    print(
        f"a billion frames: {hours:,.0f} core hours, {stored:.1f} TB in and out, {written:.1f} TB "
        f"written (pieces, joint, signed copy), {segments:,.0f} segments, "
        f"{segments * costs.driver_s / 3600:.1f} hours of one driver"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--costs", type=Path, default=Path("out/scale-costs.json"))
    parser.add_argument("--anew", action="store_true", help="measure though there is a file")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 4, 16, 64, 256])
    args = parser.parse_args()
    print(machine())
    if args.anew or not args.costs.exists():
        with (
            tempfile.TemporaryDirectory() as name,
            as_file(bundled_photo(BUNDLED[0])) as donor,
        ):
            costs = measure(Path(name), donor)
        args.costs.parent.mkdir(exist_ok=True)
        args.costs.write_text(json.dumps(asdict(costs)))
    costs = Costs(**json.loads(args.costs.read_text()))
    words = {
        name: f"{1000 * value:.2f} ms" for name, value in asdict(costs).items() if "_s" in name
    }
    print(words, f"{costs.input_bytes:.0f} B in, {costs.output_bytes:.0f} B out a frame")
    billion(costs)
    for nodes in args.nodes:
        films = FILMS * nodes
        show("one film            ", Rack(nodes, 1, 7200.0, CORES), costs)
        show("films, home of a core", Rack(nodes, films, FILM_S, 1), costs)
        show("films, home of cores", Rack(nodes, films, FILM_S, CORES), costs)
        fast = Rack(nodes, films, FILM_S, CORES * 4, storage_bytes_s=10e9)
        show("films, more of both ", fast, costs)


if __name__ == "__main__":
    main()
