"""Brought networks on a graphics device, beside the serial schedule of Deep-Live-Cam on the same.

    python benchmarks/device.py                          # CUDA, all parts, about five minutes
    python benchmarks/device.py --provider webgpu --only networks
    python benchmarks/device.py --only live --seconds 20

The networks are full-cost stand-ins (docs/networks.md): the published graphs, parameters and
multiply-adds with random weights, so times and memory are those of the real ones. A device that
is missing is an error, nothing falls back to a processor.

**networks**: each network by itself: the time of a run with its copies to the device and back,
how near its results are to those of the processor in fp32, whether its runs are recorded (CUDA
graphs), and which nodes were left to the processor.
**every**: every frame through the swapper, and through the enhancer too; goal of the requirements:
30 fps stay 30 fps. The peer's own pastes and copies are left out, so the real program is slower.
**live**: a camera of 30 and of 60 fps; goal: latency below 33 ms for 95 of 100 frames.
**files**: `swap_video` on a film of 1280x720, encoder, sound and label included.
**limits**: what is said where the device's memory must not be taken.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from measuring import Spread, machine
from moving import Case, Loop, Nowhere, write_clip
from peer_schedule import PeerSchedule, peer_fps
from stand_in_library import use_stand_ins

VGA, HD, FULL = (
    Case("640x480", (640, 480)),
    Case("1280x720", (1280, 720)),
    Case("1920x1080", (1920, 1080)),
)
SWAPPER, ENHANCER = "inswapper_128", "gfpgan_1.4"
WARM_S = 5.0
NETWORKS = (SWAPPER, ENHANCER, "det_10g", "w600k_r50")


@dataclass
class Watch:
    """What the device did meanwhile, by its driver, as `masquerade live` reads it."""

    use: list[float] = field(default_factory=list)
    memory_bytes: int = 0

    def __str__(self) -> str:
        if not self.use:
            return "device not readable"
        use = 100 * statistics.mean(self.use)
        return f"device in use {use:.0f} %, {self.memory_bytes / 2**30:.1f} GB"


@contextmanager
def watched() -> Iterator[Watch]:
    """Within, the first device is read ten times a second."""
    from masquerade.runtime.gauges import GpuWatcher

    seen, ended = Watch(), threading.Event()

    def look() -> None:
        with GpuWatcher() as watcher:
            while not ended.wait(0.1):
                for reading in (watcher.read() or ())[:1]:
                    seen.use.append(reading.use)
                    seen.memory_bytes = max(seen.memory_bytes, reading.memory_bytes)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def execution(args: argparse.Namespace, **changes: Any) -> Any:
    from masquerade.core.execution import Execution

    return Execution(**({"providers": (args.provider,), "precision": args.precision} | changes))


def networks(args: argparse.Namespace) -> None:
    """Each network alone, held to the processor's fp32."""
    from masquerade.core.errors import MasqueradeError
    from masquerade.models.library import Library
    from masquerade.runtime.loader import load_network
    from masquerade.runtime.parity import psnr_db
    from masquerade.runtime.plausible_input import plausible_feeds

    library = Library()
    print(f"\nnetworks on {args.provider}, each alone, {args.runs} runs, copies included")
    for name in NETWORKS:
        path = library.path(name)
        with load_network(path, execution(args, providers=("cpu",), precision="fp32")) as exact:
            feeds = plausible_feeds(exact.input_ports)
            expected = exact.run(feeds)[0].astype(np.float64)
            slow_ms = _median_ms(exact, feeds, 3)
        for precision in args.precisions:
            began_s = time.perf_counter()
            try:
                where = execution(args, precision=precision)
                network = load_network(path, where, label=name, variants=library.variants(name))
            except MasqueradeError as error:
                print(f"  {name:<14}{precision:<6}{error}")
                continue
            with network:
                got = network.run(feeds)[0]
                loaded_s = time.perf_counter() - began_s
                taken_ms = _median_ms(network, feeds, args.runs)
                span = float(expected.max() - expected.min())
                parity = psnr_db(float(np.square(got - expected).mean()), span)
                print(
                    f"  {name:<14}{precision:<6}{taken_ms:8.2f} ms (processor {slow_ms:7.1f}), "
                    f"{parity:5.1f} dB, loaded in {loaded_s:.1f} s, "
                    f"{'recorded, ' if _captures(network) else ''}nodes {dict(network.placement())}"
                    f"{' ' + ' '.join(network.notices) if network.notices else ''}"
                )


def _captures(network: Any) -> bool:
    setup = getattr(_innermost(network), "setup", None)
    return bool(setup is not None and setup.captures)


def _innermost(network: Any) -> Any:
    for name in ("_opened", "network", "_network"):
        inner = getattr(network, name, None)
        if inner is not None and not callable(inner):
            return _innermost(inner)
    return network


def _median_ms(network: Any, feeds: Any, runs: int) -> float:
    times = []
    for _ in range(runs + 3):
        began_s = time.perf_counter()
        network.run(feeds)
        times.append(1e3 * (time.perf_counter() - began_s))
    return statistics.median(times[3:])


class EnhancingPeer(PeerSchedule):
    """The peer with an enhancer, which it runs on every face of every frame as well."""

    def __init__(self, *given: Any, enhancer: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.enhancer = enhancer

    def frame(self, pixels: np.ndarray, kps: np.ndarray, seq: int) -> np.ndarray:
        """The swapped frame, its face enhanced at 512x512 and put back."""
        from masquerade.geometry.templates import align

        swapped = super().frame(pixels, kps, seq)
        matrix = align(kps, "ffhq_512", 512)
        crop = cv2.warpAffine(swapped, matrix, (512, 512))
        blob = cv2.dnn.blobFromImage(crop, 1 / 127.5, (512, 512), (127.5,) * 3, swapRB=True)
        face = self.enhancer.run(None, {self.enhancer.get_inputs()[0].name: blob})[0][0]
        drawn = np.clip(face.transpose(1, 2, 0)[..., ::-1] * 127.5 + 127.5, 0, 255)
        inverse = cv2.invertAffineTransform(matrix)
        size = (pixels.shape[1], pixels.shape[0])
        face = cv2.warpAffine(drawn.astype(np.uint8), inverse, size)
        alpha = cv2.warpAffine(np.full((512, 512), 255, np.uint8), inverse, size)[..., None] / 255.0
        return (face * alpha + swapped * (1 - alpha)).astype(np.uint8)


def every(args: argparse.Namespace) -> None:
    """Every frame through the networks, in memory; the peer's schedule takes its turn."""
    from masquerade import Engine, Settings
    from masquerade.models.library import Library
    from masquerade.runtime.providers import load_onnxruntime, onnx_name

    ort, library = load_onnxruntime(), Library()
    ort.preload_dlls()

    def opened(path: Path) -> Any:
        return ort.InferenceSession(
            str(path), providers=[onnx_name(args.provider)], enable_fallback=0
        )

    latent = np.random.default_rng(1).standard_normal((1, 512)).astype(np.float32)
    latent /= np.linalg.norm(latent)
    paths = library.path(SWAPPER), library.path("det_10g")
    enhancer = opened(library.path(ENHANCER))
    peers = {
        (): PeerSchedule(*paths, latent, opened),
        (ENHANCER,): EnhancingPeer(*paths, latent, opened, enhancer=enhancer),
    }
    print(f"\nevery frame, frames a second, {args.rounds} rounds of {args.frames} frames")
    for case in (VGA, HD, FULL):
        frames, kps = case.frames(24), _points(case)
        for enhancers, peer in peers.items():
            seen: dict[str, list[float]] = {"peer": [], "ours": []}
            watches: dict[str, Watch] = {}
            how = Settings(model=SWAPPER, enhancer=enhancers, refresh="every")
            with Engine(args.donor, how, execution=execution(args)) as engine:
                engine.run(Loop(frames, 24), Nowhere())
                for _ in range(args.rounds):
                    with watched() as watches["peer"]:
                        seen["peer"].append(peer_fps(peer, frames, kps, args.frames))
                    with watched() as watches["ours"]:
                        report = engine.run(Loop(frames, args.frames), Nowhere())
                    seen["ours"].append(report.fps)
            base = statistics.median(seen["peer"])
            print(f"  {case.name}, {'+'.join((SWAPPER, *enhancers))}: {' '.join(report.models)}")
            for name, values in seen.items():
                ratio = statistics.median(values) / base
                print(f"    {name:<6}{Spread.of(values)!s:<24}{ratio:5.2f} x  {watches[name]}")
            print(f"    stages of ours: {_listed(report.timings_ms)} ms")


class Gauge(Nowhere):
    """A sink that notes how old frames are, while ``on``."""

    def __init__(self) -> None:
        self.on, self.ages_ms = False, list[float]()

    def write(self, frame: Any) -> None:
        if self.on:
            self.ages_ms.append(1000 * (time.perf_counter() - frame.captured_s))


def live(args: argparse.Namespace) -> None:
    """From capture to sink, paced as a camera is, and without."""
    print(f"\nlive, {args.seconds:.0f} s each after {WARM_S:.0f}")
    for case, rate in ((HD, 30), (HD, 60), (FULL, 30)):
        for enhancers in ((), (ENHANCER,)):
            for paced in (True, False):
                _live(args, case, rate, enhancers, paced=paced)


def _live(
    args: argparse.Namespace, case: Case, rate: int, enhancers: tuple[str, ...], *, paced: bool
) -> None:
    from masquerade import Engine, Settings
    from masquerade.engine.live import LiveSession
    from masquerade.engine.live_options import LiveOptions
    from masquerade.media.live import SourceOptions, open_live_source

    how, gauge = Settings(model=SWAPPER, enhancer=enhancers), Gauge()
    source = open_live_source(str(_clip(args, case)), SourceOptions(rate=rate, loop=True))
    with (
        Engine(args.donor, how, execution=execution(args)) as engine,
        LiveSession(engine, source, {"null": gauge}, LiveOptions(paced=paced)) as session,
    ):
        session.wait(WARM_S)
        before, at_s = session.statistics(), time.perf_counter()
        gauge.on = True
        with watched() as watch:
            session.wait(args.seconds)
        gauge.on = False
        after, passed_s = session.statistics(), time.perf_counter() - at_s
    shown = (after.frames - before.frames) / passed_s
    made = (after.networks["refreshes"] - before.networks["refreshes"]) / passed_s
    p50, p95 = np.percentile(gauge.ages_ms, (50, 95))
    print(
        f"  {case.name} at {rate} fps{'' if paced else ', unpaced'}, "
        f"{'+'.join((SWAPPER, *enhancers))}: {shown:.1f} fps, p50 {p50:.0f} p95 {p95:.0f} ms, "
        f"{after.dropped - before.dropped} dropped, {made:.1f} faces drawn a second; {watch}"
    )
    print(f"    stages {_listed(after.stages_ms)} ms")


def _listed(times_ms: Any) -> str:
    return ", ".join(f"{name} {ms:.1f}" for name, ms in times_ms.items())


def files(args: argparse.Namespace) -> None:
    """The whole job, as a user calls it."""
    from masquerade import Settings, swap_video

    clip = _clip(args, HD, args.frames)
    print(f"\nfiles, {args.frames} frames of 1280x720, {args.rounds} rounds")
    for enhancers in ((), (ENHANCER,)):
        how, values = Settings(model=SWAPPER, enhancer=enhancers, refresh="every"), []
        for turn in range(args.rounds + 1):
            began_s = time.perf_counter()
            with watched() as watch:
                report = swap_video(
                    args.donor,
                    clip,
                    args.folder / "out.mp4",
                    settings=how,
                    execution=execution(args),
                    overwrite=True,
                )
            values += [args.frames / (time.perf_counter() - began_s)] if turn else []
        print(f"  {'+'.join((SWAPPER, *enhancers))}: {Spread.of(values)} fps, {watch}")
        print(f"    stages: {_listed(report.timings_ms)} ms")


def limits(args: argparse.Namespace) -> None:
    """Budgets of the device's memory: one that is kept, and one into which nothing fits."""
    from masquerade import Engine, Settings
    from masquerade.core.errors import MasqueradeError

    frames = HD.frames(4)
    how = Settings(model=SWAPPER, enhancer=(ENHANCER,), refresh="every")
    print("\nlimits of the device's memory")
    for limit in (None, 4 * 2**30, 1 * 2**30, 64 * 2**20):
        _let_go()
        try:
            where = execution(args, max_vram_bytes=limit)
            with Engine(args.donor, how, execution=where) as engine, watched() as watch:
                report = engine.run(Loop(frames, 40), Nowhere())
            told = f"{report.fps:.1f} fps, {watch}; {' '.join(report.models)}"
        except MasqueradeError as error:
            told = f"{type(error).__name__}: {error}"
        print(f"  {'none' if limit is None else f'{limit / 2**20:.0f} MB'}: {told}")


def _clip(args: argparse.Namespace, case: Case, count: int = 75) -> Path:
    path: Path = args.folder / f"{case.name}-{count}.mp4"
    if not path.exists():
        write_clip(path, Loop(case.frames(60), count))
    return path


def _points(case: Case) -> np.ndarray:
    from masquerade.engine.networks import shared_networks
    from masquerade.geometry.templates import kps_from_landmarks

    faces = shared_networks(0).detector.find(case.frames(1)[0])
    return kps_from_landmarks(faces[0].landmarks)


def _let_go() -> None:
    from masquerade.models.opening import close_models
    from masquerade.runtime.memory import return_freed_memory

    close_models()
    return_freed_memory()


PARTS = {"networks": networks, "every": every, "live": live, "files": files, "limits": limits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provider", default="cuda")
    parser.add_argument("--precision", default="auto", help="of all parts but networks")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "auto"], help="of networks")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--home", type=Path, help="folder of the stand-ins")
    args = parser.parse_args()
    use_stand_ins(args.home)
    from commands import DONOR
    from masquerade import Identity
    from masquerade.runtime.gauges import GpuWatcher

    args.donor = Identity.from_photos(DONOR)
    print(machine())
    with GpuWatcher() as watcher:
        for reading in watcher.read() or ():
            print(f"{reading.name}, {reading.memory_total_bytes / 2**30:.0f} GB")
    with tempfile.TemporaryDirectory() as folder:
        args.folder = Path(folder)
        for name, part in PARTS.items():
            if args.only is None or name in args.only:
                part(args)
                sys.stdout.flush()


if __name__ == "__main__":
    main()
