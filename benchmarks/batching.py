"""One face and four on a device that batches, on one that does not, and on two devices; a swapper
and an enhancer on one device and on one each.

    .venv/bin/python benchmarks/batching.py                 # simulated devices
    .venv/bin/python benchmarks/batching.py --cpu           # and a small network on the processor
    .venv/bin/python benchmarks/batching.py --cpu full      # and the full-cost stand-in

The devices are simulated: a run takes 20 ms, and 1 ms for each face in it. All else is real: the
stage, its threads, crops, masks and patches, at 720p with faces of 150 pixels. Every row of a table
has the same rounds, taken in turn. Goal: four faces at most 1.5 times one where the device batches.
On the processor faces are taken one by one; "together" shows why. The full-cost stand-in is loaded
through the cache of optimised networks and needs half a gigabyte there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from commands import DONOR
from masquerade import Identity, Settings
from masquerade.core.execution import Execution
from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.models.batching import Batching
from masquerade.models.catalogue import find_spec
from masquerade.models.donor_code import DonorCode
from masquerade.models.enhancer import Enhancer
from masquerade.models.swapper import Swapper
from masquerade.runtime.loader import load_network
from masquerade.runtime.network import Port
from masquerade.stages.face_maker import WantedFace
from masquerade.stages.network_face import NetworkFace
from masquerade.stages.network_swap import NetworkSwap
from masquerade.stages.swap import Swap
from masquerade.testing.networks.full_cost import write_full_cost
from masquerade.testing.networks.functional import write_functional
from masquerade.testing.simulated_device import SimulatedDevice, SimulatedNetwork
from masquerade.testing.simulated_swapper import simulated_swapper
from measuring import Spread, machine
from network_steps import scene

LATENCY_MS, PER_FACE_MS = 20.0, 1.0
FACE_PX = 150.0
WAYS = {
    "one device, looped": (1, "never"),
    "one device, batched": (1, "always"),
    "one device, by its clock": (1, "auto"),
    "two devices, looped": (2, "never"),
    "two devices, batched": (2, "always"),
}
WARM_UP = 8
"""Rounds in which the clock settles which way is quicker; they do not count."""


class Stream:
    """The stage on simulated devices."""

    def __init__(
        self,
        donor: Identity,
        devices: int,
        mode: str,
        refresh: str = "every",
        enhancer: SimulatedDevice | None = None,
        swapper: SimulatedDevice | None = None,
    ) -> None:
        settings, donors = Settings(refresh=refresh), {"donor": donor}
        drawing = simulated_swapper(
            [swapper or SimulatedDevice() for _ in range(devices)],
            latency_ms=LATENCY_MS,
            per_item_ms=PER_FACE_MS,
            batching=Batching(mode),
        )
        enhancers = [] if enhancer is None else [enhancer_on(enhancer)]
        maker = NetworkFace(drawing, enhancers, (), settings)
        self.stage = NetworkSwap(donors, settings, maker, Swap(donors, settings))
        self.stage.prepare(donors)
        self._seq = 0

    def frame(self, pixels: np.ndarray, faces: list[Face], *, live: bool = False) -> None:
        """Take one frame through; a live one does not wait for its networks."""
        captured_s = time.perf_counter() if live else None
        frame = Frame(pixels, self._seq, 40 * self._seq, captured_s=captured_s)
        self._seq += 1
        self.stage.process(FrameJob(frame, faces))


def enhancer_on(device: SimulatedDevice) -> Enhancer:
    """One that takes as long as the swapper and gives back what it is given."""
    port = (Port("picture", (None, 3, 512, 512), np.dtype(np.float32)),)
    network = SimulatedNetwork(
        port, port, LATENCY_MS, PER_FACE_MS, device=device, compute=lambda feeds: [*feeds.values()]
    )
    return Enhancer(find_spec("gfpgan_1.4"), network, batching=Batching("never"))


def roles(donor: Identity, rounds: int, seconds: float) -> None:
    """A swapper and an enhancer that share a device, and that have one each."""
    pixels, landmarks, _ = scene((1280, 720), FACE_PX)
    names = ("one for both networks", "one for each network")
    ways: dict[object, Callable[[], object]] = {}
    with ExitStack() as stack:
        for name in names:
            for count in (1, 4):
                stream = _by_role(donor, name == names[1], "every")
                stack.enter_context(stream.stage)
                faces = row(landmarks, count)
                ways[name, count] = lambda s=stream, f=faces: s.frame(pixels, f)
        measured = in_turn(ways, rounds, 1)
    print(f"\n{'ms a frame, --refresh every':<30}{'one face':<24}{'four faces':<26}four/one")
    show(measured, names)
    gain = measured[names[0], 4].median / measured[names[1], 4].median
    print(f"  four faces, shared over apart  {gain:4.2f} x")
    rates = [_rate(_by_role(donor, apart, "1"), pixels, landmarks, seconds) for apart in (0, 1)]
    print(f"  key frames a second, live      {rates[0][0]:4.1f} shared, {rates[1][0]:4.1f} apart")
    print(f"  apart over shared              {rates[1][0] / rates[0][0]:4.2f} x")


def _by_role(donor: Identity, apart: bool, refresh: str) -> Stream:
    device = SimulatedDevice()
    other = SimulatedDevice() if apart else device
    return Stream(donor, 1, "never", refresh, enhancer=other, swapper=device)


def row(landmarks: np.ndarray, count: int) -> list[Face]:
    """So many faces side by side."""
    faces = []
    for track_id in range(count):
        points = landmarks + np.array([170 * (track_id - 1.5), 0, 0], np.float32)
        box = np.concatenate([points[:468, :2].min(0), points[:468, :2].max(0)])
        faces.append(
            Face(box, 0.9, landmarks=points, track_id=track_id, selected=True, donor="donor")
        )
    return faces


def in_turn(ways: dict[object, Callable[[], object]], rounds: int, warm_up: int):
    """Milliseconds of each way; the rounds are interleaved, so that disturbances hit all."""
    times: dict[object, list[float]] = defaultdict(list)
    for number in range(warm_up + rounds):
        for name, work in ways.items():
            began_s = time.perf_counter()
            work()
            if number >= warm_up:
                times[name].append(1000 * (time.perf_counter() - began_s))
    return {name: Spread.of(values) for name, values in times.items()}


def show(measured, names) -> None:
    for name in names:
        one, four = measured[name, 1], measured[name, 4]
        ratio = f"{four.median / one.median:4.2f} x"
        print(f"  {name:<28}{one!s:<24}{four!s:<26}{ratio}")


def crowds(donor: Identity, rounds: int) -> None:
    """Frames that wait for all of their faces."""
    pixels, landmarks, _ = scene((1280, 720), FACE_PX)
    with ExitStack() as stack:
        ways = {}
        for name, (devices, mode) in WAYS.items():
            for count in (1, 4):
                stream = Stream(donor, devices, mode)
                stack.enter_context(stream.stage)
                faces = row(landmarks, count)
                ways[name, count] = lambda s=stream, f=faces: s.frame(pixels, f)
        measured = in_turn(ways, rounds, WARM_UP)
    print(f"\n{'ms a frame, --refresh every':<30}{'one face':<24}{'four faces':<26}four/one")
    show(measured, WAYS)


def key_frames(donor: Identity, seconds: float) -> None:
    """A live face that changes with every frame: how many key frames its devices make."""
    pixels, landmarks, _ = scene((1280, 720), FACE_PX)
    print(f"\nkey frames a second of one live face, --refresh 1, {seconds:g} s each")
    made = {}
    for devices in (1, 2):
        stream = Stream(donor, devices, "never", "1")
        made[devices], shown = _rate(stream, pixels, landmarks, seconds)
        print(f"  {devices} device(s)   {made[devices]:5.1f}, beside {shown:.0f} frames shown")
    print(f"  two over one  {made[2] / made[1]:4.2f} x")


def _rate(
    stream: Stream, pixels: np.ndarray, landmarks: np.ndarray, seconds: float
) -> tuple[float, float]:
    """Key frames, and frames shown, of one live face, a second."""
    began_s, shown = time.perf_counter(), 0
    with stream.stage as stage:
        while (passed_s := time.perf_counter() - began_s) < seconds:
            stream.frame(pixels, row(landmarks, 1), live=True)
            shown += 1
        return stage.gauges()["refreshes"] / passed_s, shown / passed_s


def processor(kind: str, rounds: int) -> None:
    """The same on the processor, whose faces go one by one."""
    pixels, landmarks, kps = scene((1280, 720), FACE_PX)
    code = DonorCode("inswapper_128", np.full((1, 512), 512**-0.5, np.float32))
    ways: dict[object, Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        network = load_network(
            _file(kind, Path(folder)), Execution(providers=("cpu",)), free_batch=True
        )
        stack.callback(network.close)
        for name, mode in (("looped, as it is used", "never"), ("together", "always")):
            swapper = Swapper(
                find_spec("inswapper_128"),
                network,
                embedder=SimpleNamespace(),
                emap=np.eye(512),
                batching=Batching(mode),
            )
            maker = NetworkFace(swapper, (), (), Settings())
            for count in (1, 4):
                faces = [
                    WantedFace(face.landmarks, kps, code, face.track_id)
                    for face in row(landmarks, count)
                ]
                ways[name, count] = lambda m=maker, f=faces: m.make_many(pixels, f)
        measured = in_turn(ways, rounds, 1)
        where = f"{kind} stand-in of inswapper_128 on {network.provider}, {network.precision}"
    print(f"\n{where}; ms, {rounds} rounds")
    show(measured, ("looped, as it is used", "together"))


def _file(kind: str, folder: Path) -> Path:
    if kind == "full":
        return write_full_cost("inswapper")
    return write_functional("inswapper_128", folder, batch="faces")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--cpu", nargs="?", const="functional", choices=("functional", "full"))
    args = parser.parse_args()
    donor = Identity.from_photos(DONOR)
    print(machine())
    print(f"simulated: {LATENCY_MS:g} ms a run and {PER_FACE_MS:g} ms a face, {args.rounds} rounds")
    crowds(donor, args.rounds)
    key_frames(donor, args.seconds)
    roles(donor, args.rounds, args.seconds)
    if args.cpu:
        processor(args.cpu, args.rounds if args.cpu == "functional" else 3)


if __name__ == "__main__":
    main()
