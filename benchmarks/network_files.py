"""A video file through brought networks: what it costs beside them, and beside a peer's pipes.

    python benchmarks/network_files.py                     # both parts, about four minutes
    python benchmarks/network_files.py --only cost         # about a minute
    python benchmarks/network_files.py --only peer --frames 12 --rounds 1

The target is a rendered film of 1280x720 with one face and a tone; the job is `swap_video` as a
user calls it, every frame through inswapper_128, sound and label included.

**cost**: everything but the networks. The swapper is a simulated one that costs nothing, and what
the built-in networks answered in the first run is answered again by a list, so that they cost
nothing either. In turn with it the encoder alone writes the very same finished frames, with the
same settings, from memory. "Above the encoder" is the difference of the two, and it is two numbers:
wall time a frame, in which the job's threads and the encoder's share the cores, and CPU time a
frame, which no overlapping hides. The goal (3 ms) is wall time. Deep-Live-Cam's 31.2 ms hold its
ffmpeg pipes, the encoder among them, so beside them stands the whole job; the peer's schedule with
networks of no cost takes its turn too.

**peer**: the same film, the same full-cost stand-in in fp32, by `swap_video` and by the serial
schedule of Deep-Live-Cam (`peer_files.py`) between two pipes of the program ffmpeg, which must
be installed. It searches and recognises on every frame, as Deep-Live-Cam does with files. Both
encode with libx264, the same preset and quality. Loading is left out on both sides; opening the
file and joining the sound are part of the job. Goal: 2.2 times its frames a second.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av

from measuring import Spread, machine
from moving import Case, Loop, write_clip
from peer_files import FreeSession, PeerFile, find_ffmpeg
from peer_schedule import default_session
from stand_in_library import use_stand_ins

HD = Case("1280x720", (1280, 720))
SWAPPER = "inswapper_128"
BUILT_IN = ("landmarker", "heads", "embedder")


@dataclass
class Replayed:
    """A network whose answers of the first run are given again, in the same order, at no cost."""

    network: Any
    answers: list[Any] = field(default_factory=list)
    learning: bool = True
    at: int = 0

    def run(self, feeds: Any) -> Any:
        if self.learning:
            self.answers.append(self.network.run(feeds))
            return self.answers[-1]
        self.at += 1
        return self.answers[self.at - 1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)


@contextmanager
def free_networks() -> Iterator[list[Replayed]]:
    """Within, brought swappers are simulated and the built-in networks can be replayed."""
    from masquerade.engine.networks import shared_networks
    from masquerade.testing.simulated_device import SimulatedDevice
    from masquerade.testing.simulated_swapper import simulated_swapper

    swapper = simulated_swapper(
        [SimulatedDevice(sleep=lambda _: None)], latency_ms=0.0, per_item_ms=0.0
    )
    built_in = [getattr(shared_networks(0), name) for name in BUILT_IN]
    replayed = [Replayed(item._network) for item in built_in]
    for item, network in zip(built_in, replayed, strict=True):
        item.__dict__["_network"] = network  # where the cached property keeps it
    try:
        with patch("masquerade.models.opening.open_model", lambda *_: swapper):
            yield replayed
    finally:
        for item, network in zip(built_in, replayed, strict=True):
            item.__dict__["_network"] = network.network


@dataclass
class Timed:
    """Milliseconds a frame, round by round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, work: Callable[[], object], frames: int) -> object:
        wall_s, cpu_s = time.perf_counter(), _cpu_s()
        result = work()
        self.wall.append(1e3 * (time.perf_counter() - wall_s) / frames)
        self.cpu.append(1e3 * (_cpu_s() - cpu_s) / frames)
        return result

    def above(self, other: Timed) -> Timed:
        """The differences of rounds that were taken in turn."""
        return Timed(
            [a - b for a, b in zip(self.wall, other.wall, strict=True)],
            [a - b for a, b in zip(self.cpu, other.cpu, strict=True)],
        )


def _cpu_s() -> float:
    """Of this process and of the programs that it has run."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def cost(args: argparse.Namespace) -> None:
    """The job with networks of no cost, in turn with what it is compared with."""
    clip, out, count = args.folder / "clip.mp4", args.folder / "out.mp4", args.cost_frames
    write_clip(clip, Loop(HD.frames(args.distinct), count))
    other, kps = open_peer(FreeSession), points(clip)
    with free_networks() as networks:
        finished = frames_written(lambda: swap(args, clip, out))
        for network in networks:
            network.learning = False
        work: dict[str, Callable[[], object]] = {
            "the job": lambda: swap(args, clip, out),
            "the encoder alone": lambda: encode(finished, args.folder / "alone.mp4"),
            "the decoder alone": lambda: decode(clip),
            "the peer's schedule": lambda: other.swap(clip, args.folder / "peer.mp4", kps),
        }
        rows, results = {name: Timed() for name in work}, {}
        for turn in range(args.cost_rounds + 1):
            for network in networks:
                network.at = 0
            for name, whole in work.items():
                timed = rows[name] if turn else Timed()  # the first round warms up
                results[name] = timed.run(whole, count)
    report: Any = results["the job"]
    assert report.faces_swapped >= 0.9 * count, report
    rows["the job above the encoder"] = rows["the job"].above(rows["the encoder alone"])
    print(f"\neverything but the networks, a frame; {args.cost_rounds} rounds of {count} frames")
    for name, timed in rows.items():
        print(f"  {name:<27} wall {Spread.of(timed.wall)!s:<22} CPU {Spread.of(timed.cpu)} ms")
    stages = ", ".join(f"{name} {ms:.2f}" for name, ms in report.timings_ms.items())
    print(f"  stages of the last job, wall: {stages} ms")
    print("  goal: 3 ms above the encoder; quoted: Deep-Live-Cam's own program 31.2 ms in all")


def open_peer(opened: Callable[[Path], Any]) -> PeerFile:
    """The peer, which encodes as `swap_video` does by default."""
    from masquerade.media.encoders import VideoOptions, find_encoder
    from masquerade.models.library import Library

    defaults, library = VideoOptions(), Library()
    options = find_encoder(None, "mp4").options(defaults.quality, defaults.preset)
    paths = [library.path(name) for name in (SWAPPER, "det_10g", "w600k_r50")]
    return PeerFile(*paths, options, opened)


def swap(args: argparse.Namespace, clip: Path, out: Path) -> Any:
    from masquerade import Settings, swap_video
    from masquerade.core.execution import Execution

    how, where = Settings(model=SWAPPER, refresh="every"), Execution(precision="fp32")
    return swap_video(args.donor, clip, out, settings=how, execution=where, overwrite=True)


def frames_written(work: Callable[[], object]) -> list[av.VideoFrame]:
    """The frames, in the encoder's format, that a job hands to its encoder."""
    from masquerade.media.video_sink import VideoSink

    seen: list[av.VideoFrame] = []
    planes = VideoSink._planes

    def noted(sink: VideoSink, *given: Any) -> av.VideoFrame:
        seen.append(planes(sink, *given))
        return seen[-1]

    with patch.object(VideoSink, "_planes", noted):
        work()
    return seen


def encode(frames: list[av.VideoFrame], out: Path) -> None:
    """The encoder alone, as `VideoSink` sets it by default."""
    from masquerade.media.encoders import VideoOptions, find_encoder

    chosen, defaults = find_encoder(None, "mp4"), VideoOptions()
    with av.open(str(out), "w") as container:
        options = chosen.options(defaults.quality, defaults.preset)
        stream = container.add_stream(chosen.name, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        for seq, frame in enumerate(frames):
            frame.pts, frame.time_base, frame.pict_type = seq, Fraction(1, 25), 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(clip: Path) -> None:
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for _ in container.decode(video=0):
            pass


def peer(args: argparse.Namespace) -> None:
    """Frames a second of the whole job, ours and the peer's, in turn."""
    clip, out = args.folder / "clip.mp4", args.folder / "out.mp4"
    write_clip(clip, Loop(HD.frames(args.distinct), args.frames))
    other, kps = open_peer(default_session), points(clip)
    work: dict[str, Callable[[], object]] = {
        "peer": lambda: other.swap(clip, args.folder / "peer.mp4", kps),
        "swap_video": lambda: swap(args, clip, out),
    }
    report: Any = work["swap_video"]()  # loads, and chooses a way of running if none is remembered
    rows = {name: Timed() for name in work}
    for _ in range(args.rounds):
        for name, whole in work.items():
            rows[name].run(whole, args.frames)
    print(f"\nthe whole job, frames a second, {args.rounds} rounds of {args.frames} frames")
    base = statistics.median(rows["peer"].wall)
    for name, timed in rows.items():
        middle, ratio = statistics.median(timed.wall), base / statistics.median(timed.wall)
        spread = f"{1e3 / middle:.2f} ({1e3 / max(timed.wall):.2f}..{1e3 / min(timed.wall):.2f})"
        cpu = statistics.median(timed.cpu)
        print(f"  {name:<12}{spread:<24}{ratio:5.2f} x   CPU {cpu:.0f} ms a frame")
    print(f"  {' '.join(report.models)}; goal: 2.2 x")


def points(clip: Path) -> Any:
    """The five points of the first frame's face, (5, 2)."""
    from masquerade.engine.networks import shared_networks
    from masquerade.geometry.templates import kps_from_landmarks
    from masquerade.media.file import VideoSource

    with VideoSource(clip) as source:
        faces = shared_networks(0).detector.find(next(iter(source)).pixels)
    return kps_from_landmarks(faces[0].landmarks)


PARTS = {"cost": cost, "peer": peer}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=3, help="of the part peer")
    parser.add_argument("--frames", type=int, default=24, help="of the part peer, a round")
    parser.add_argument("--cost-rounds", type=int, default=5)
    parser.add_argument("--cost-frames", type=int, default=150, help="a round")
    parser.add_argument("--distinct", type=int, default=25, help="different frames rendered")
    parser.add_argument("--home", type=Path, help="folder of the stand-ins")
    args = parser.parse_args()
    find_ffmpeg()
    use_stand_ins(args.home)
    from commands import DONOR
    from masquerade import Identity

    args.donor = Identity.from_photos(DONOR)
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        args.folder = Path(folder)
        for name, part in PARTS.items():
            if args.only in (None, name):
                part(args)


if __name__ == "__main__":
    main()
