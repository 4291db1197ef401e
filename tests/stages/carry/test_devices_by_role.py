"""A swapper and an enhancer on two simulated devices work at a time and make the same faces.

How much quicker that is, ``benchmarks/batching.py`` prints; here only counts and order are judged.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import donor_photos
import numpy as np
from carried_faces import View, view

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.models.batching import Batching
from masquerade.models.catalogue import find_spec
from masquerade.models.enhancer import Enhancer
from masquerade.runtime.network import Port
from masquerade.stages.awaited import Awaited
from masquerade.stages.network_face import NetworkFace
from masquerade.stages.network_swap import NetworkSwap
from masquerade.stages.swap import Swap
from masquerade.testing.simulated_device import SimulatedDevice, SimulatedNetwork
from masquerade.testing.simulated_swapper import simulated_swapper
from masquerade.testing.threads import no_leaked_threads

LATENCY_MS = 40.0
ENHANCED = Port("picture", (None, 3, 512, 512), np.dtype(np.float32))


@dataclass
class Diary:
    """What the devices were at work on, as it happened."""

    at_work: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    together: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def device(self, name: str) -> SimulatedDevice:
        def work(duration_s: float) -> None:
            with self.lock:
                self.order.append(name)
                self.together += bool(self.at_work)  # another one is in the middle of a run
                self.at_work.add(name)
            time.sleep(duration_s)
            with self.lock:
                self.at_work.discard(name)

        return SimulatedDevice(work)


class Stream:
    """The stage as an engine builds it, with an enhancer that gives back what it is given.

    Live frames are captured now, or by a camera that takes one each ``period_s``.
    """

    def __init__(self, *, apart: bool, refresh: str, period_s: float | None = None) -> None:
        self.period_s = period_s
        self.diary = Diary()
        first = self.diary.device("swapper" if apart else "both")
        second = self.diary.device("enhancer") if apart else first
        donors = {"astronaut": donor_photos.donor("astronaut")}
        settings = Settings(refresh=refresh)
        swapper = simulated_swapper([first], latency_ms=LATENCY_MS, batching=Batching("never"))
        network = SimulatedNetwork(
            (ENHANCED,), (ENHANCED,), LATENCY_MS, 0, device=second, compute=lambda f: [*f.values()]
        )
        never = Batching("never")
        enhancer = Enhancer(find_spec("gfpgan_1.4"), network, batching=never)
        maker = NetworkFace(swapper, (enhancer,), (), settings)
        self.threads = maker.parallel
        self.stage = NetworkSwap(donors, settings, maker, Swap(donors, settings))
        self.stage.prepare(donors)
        self.seq = 0

    def frame(self, shown: View, faces: list[Face], *, live: bool = False) -> FrameJob:
        return Awaited().process(self.begun(shown, faces, live=live))

    def begun(self, shown: View, faces: list[Face], *, live: bool = False) -> FrameJob:
        captured_s = None
        if live:
            captured_s = time.perf_counter() if self.period_s is None else self.seq * self.period_s
        job = FrameJob(Frame(shown.pixels, self.seq, 40 * self.seq, captured_s=captured_s), faces)
        self.seq += 1
        return self.stage.process(job)


def row(shown: View, count: int) -> list[Face]:
    faces = [shown.face(track_id) for track_id in range(count)]
    for track_id, face in enumerate(faces):
        face.landmarks = shown.landmarks + np.array([30 * track_id, 0, 0], np.float32)
    return faces


def test_a_faces_enhancer_works_while_the_next_face_is_swapped() -> None:
    shown, pixels = view(), []
    for apart in (False, True):
        stream = Stream(apart=apart, refresh="every")
        assert stream.threads == (2 if apart else 1)
        with no_leaked_threads(), stream.stage:
            job = stream.frame(shown, row(shown, 4))
        assert [patch.track_id for patch in job.patches] == [0, 1, 2, 3]
        pixels.append([patch.pixels for patch in job.patches])
        order, together = stream.diary.order, stream.diary.together
        assert len(order) == 8
        if apart:
            assert sorted(order) == ["enhancer"] * 4 + ["swapper"] * 4
            assert order[:2] == ["swapper", "swapper"] or order[:2] == ["swapper", "enhancer"]
            assert together >= 3, "while a face is enhanced, the next one is swapped"
        else:
            assert together == 0
    for one, other in zip(*pixels, strict=True):
        np.testing.assert_array_equal(one, other)


def test_key_frames_of_one_live_face_follow_each_other_through_both() -> None:
    shown, made = view(), []
    for apart in (False, True):
        stream = Stream(apart=apart, refresh="1")
        with no_leaked_threads(), stream.stage as stage:
            end_s = time.perf_counter() + 1.5
            while time.perf_counter() < end_s:
                stream.frame(shown, [shown.face()], live=True)
                time.sleep(0.005)
            made.append(stage.gauges()["refreshes"])
        assert (stream.diary.together >= 3) == apart
    assert made[1] > made[0]
