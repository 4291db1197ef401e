"""How a live stream keeps up: rate, latency, losses, and what a slow device or camera does to it.

    python benchmarks/live.py                       # all cases, some seconds each
    python benchmarks/live.py --only paced --minutes 10
    python benchmarks/live.py --only steady --minutes 30

The camera is a file: 720p, one rendered talking head, read at a camera's pace by the same source
that `masquerade live --camera FILE` uses. Latency is measured from capture to within the sink's
own thread. The slow device is simulated: a stage that sleeps and lets go of Python's lock.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from commands import DONOR
from masquerade import Engine, Identity, Settings
from masquerade.core.protocols import Stage
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.media.live import SourceOptions, open_live_source
from masquerade.pipeline.statistics import LiveStatistics
from masquerade.testing import NullSwap
from measuring import Spread, machine
from moving import Case, Loop, write_clip

HD = Case("1280x720", (1280, 720))
WARM_S = 4.0


class Gauge:
    """A sink that measures what it is given, from its first call after the warm-up on."""

    def __init__(self) -> None:
        self._from_s = time.perf_counter() + WARM_S
        self.latencies_ms: list[float] = []
        self.moments_s: list[float] = []

    def write(self, frame) -> None:
        now_s = time.perf_counter()
        if now_s >= self._from_s:
            self.latencies_ms.append(1000 * (now_s - frame.captured_s))
            self.moments_s.append(now_s)

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    @property
    def fps(self) -> float:
        return (len(self.moments_s) - 1) / (self.moments_s[-1] - self.moments_s[0])

    def percentile_ms(self, share: float) -> float:
        return float(np.percentile(self.latencies_ms, share))

    def jitter_ms(self) -> float:
        """Standard deviation of the intervals between frames."""
        return 1000 * float(np.std(np.diff(self.moments_s)))


@dataclass
class Seen:
    """One run."""

    gauge: Gauge
    statistics: LiveStatistics
    dropped: int
    cpu_cores: float
    rss_mib: list[float] = field(default_factory=list)


def run(
    donor: Identity,
    clip: Path,
    rate: float,
    seconds: float,
    *,
    options: LiveOptions | None = None,
    swap: Stage | None = None,
    during: Callable[[LiveSession], object] = bool,
) -> Seen:
    """A stream of ``seconds`` after the warm-up."""
    process = psutil.Process()
    source = open_live_source(str(clip), SourceOptions(rate=rate, loop=True))
    gauge, rss = Gauge(), []
    with (
        Engine(donor, Settings()) as engine,
        LiveSession(engine, source, {"null": gauge}, options) as session,
    ):
        gauge._from_s = time.perf_counter() + WARM_S
        if swap is not None:
            session.change_stage("swap", lambda _stage: swap)
        during(session)
        session.wait(WARM_S)
        before, cpu = session.statistics(), time.process_time()
        end_s = time.perf_counter() + seconds
        while (left_s := end_s - time.perf_counter()) > 0:
            session.wait(min(5.0, left_s))
            rss.append(process.memory_info().rss / 2**20)
        cpu = time.process_time() - cpu
        statistics = session.statistics()
    dropped = statistics.dropped - before.dropped
    return Seen(gauge, statistics, dropped, cpu / seconds, rss)


def show(name: str, seen: Seen) -> None:
    gauge, now = seen.gauge, seen.statistics
    stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in now.stages_ms.items())
    print(
        f"\n{name}\n  {gauge.fps:.1f} fps, {seen.dropped} dropped, {now.skipped} skipped, "
        f"{now.lagged} lagged of {len(gauge.moments_s)}\n"
        f"  latency p50 {gauge.percentile_ms(50):.1f}, p95 {gauge.percentile_ms(95):.1f}, "
        f"p99 {gauge.percentile_ms(99):.1f} ms; intervals +- {gauge.jitter_ms():.1f} ms\n"
        f"  CPU {seen.cpu_cores:.2f} cores; RSS {seen.rss_mib[0]:.0f} to {seen.rss_mib[-1]:.0f} MiB"
        f"; eased {now.eased or 'nothing'}\n  stages {stages} ms",
        flush=True,
    )


def rates(donor, clip, args) -> None:
    """The highest rates that are kept; goal: 60 fps or more."""
    for rate in (60, 75, 90, 120):
        seen = run(donor, clip, rate, args.seconds, options=LiveOptions(governed=args.governed))
        show(f"camera of {rate} fps (goal: 60 fps come out)", seen)


def paced(donor, clip, args) -> None:
    """30 fps for long; goal: p95 at most 50 ms, no drop."""
    seen = run(donor, clip, 30, 60 * args.minutes if args.minutes else args.seconds)
    show("camera of 30 fps (goal: p95 <= 50 ms, none dropped)", seen)


def overload(donor, clip, args) -> None:
    """A camera twice as fast as the engine; goal: p99 at most three frame times."""
    fixed = LiveOptions(governed=False)
    most = run(donor, clip, 200, args.seconds, options=fixed).gauge.fps
    seen = run(donor, clip, 2 * most, args.seconds, options=fixed)
    show(f"camera of {2 * most:.0f} fps, twice the {most:.0f} fps of the engine", seen)
    times = seen.gauge.percentile_ms(99) * seen.gauge.fps / 1000
    print(f"  p99 is {times:.2f} frame times (goal: at most 3)")


class Device(NullSwap):
    """Stands in for a swap network on a device: a fixed time a frame, processor and lock free."""

    def __init__(self, ms: float) -> None:
        super().__init__()
        self._s = ms / 1000
        self.resolution = 1.0
        self.works: list[tuple[float, float]] = []

    def process(self, job):
        began_s = time.perf_counter()
        time.sleep(self._s)
        self.works.append((began_s, time.perf_counter()))
        return super().process(job)

    def configure(self, *_settings) -> None: ...


def device(donor, clip, args) -> None:
    """A device of 25 ms a frame, all else real; goal: 38 fps, the device busy for 95 %."""
    slow = Device(25)
    seen = run(donor, clip, 60, args.seconds, swap=slow, options=LiveOptions(governed=False))
    show("simulated swap device of 25 ms (goal: 38 fps)", seen)
    works = [(a, b) for a, b in slow.works if a >= seen.gauge.moments_s[0]]
    busy = sum(b - a for a, b in works) / (works[-1][1] - works[0][0])
    print(f"  the device is busy for {busy:.1%} of the time (goal: 95 %)")


def steady(donor, clip, args) -> None:
    """A soak; goal: RSS grows by less than 1 % in 10 minutes, and nothing is left afterwards."""
    process = psutil.Process()
    run(donor, clip, 30, 5)
    before = threading.active_count(), process.num_fds(), len(process.net_connections())
    minutes = args.minutes or 1
    seen = run(donor, clip, 30, 60 * minutes)
    show(f"soak of {minutes:g} minutes at 30 fps", seen)
    after = threading.active_count(), process.num_fds(), len(process.net_connections())
    settled = seen.rss_mib[len(seen.rss_mib) // 6 :]
    slope = np.polyfit(np.arange(len(settled)) * 5 / 600, settled, 1)[0] / np.median(settled)
    print(f"  RSS {slope:+.2%} in 10 minutes (goal: below 1 %)")
    print(f"  RSS every minute, MiB: {' '.join(f'{mib:.0f}' for mib in seen.rss_mib[::12])}")
    print(f"  threads, files, sockets before and after: {before}, {after}")


def first_frame(donor, clip, args) -> None:
    """Time of the first frame beside the median; with warm-up and without."""
    for warm_up in (True, False):
        ratios = []
        for _ in range(args.rounds):
            times: list[dict[str, float]] = []

            def note(session, times=times) -> None:
                tally = session._tally
                add = tally.add
                tally.add = lambda job: (times.append(job.timings_ms), add(job))[1]

            options = LiveOptions(governed=False, warm_up=warm_up)
            run(donor, clip, 20, 3, options=options, during=note)
            sums = [sum(item.values()) for item in times]
            ratios.append(sums[0] / float(np.median(sums)))
        print(f"\nfirst frame / median, warm-up {warm_up}: {Spread.of(ratios)} (S20c: at most 2)")


CASES = {
    "rates": rates,
    "paced": paced,
    "overload": overload,
    "device": device,
    "first": first_frame,
    "steady": steady,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--seconds", type=float, default=15, help="of each run, after the warm-up")
    parser.add_argument("--minutes", type=float, default=0, help="of the long runs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--governed", action="store_true", help="let the governor ease the rates")
    args = parser.parse_args()
    print(machine())
    donor = Identity.from_photos(DONOR)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "camera.mp4"
        frames = HD.frames(48)
        write_clip(clip, Loop(frames, 2 * len(frames) - 2), sound=False)
        for name in args.only or CASES:
            CASES[name](donor, clip, args)


if __name__ == "__main__":
    main()
