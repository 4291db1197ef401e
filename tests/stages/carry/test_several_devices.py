"""One stream on one and on two simulated devices, through the stage as an engine builds it."""

from __future__ import annotations

import statistics
import time

import donor_photos
import numpy as np
import pytest
from carried_faces import View, view

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.models.batching import Batching
from masquerade.stages.awaited import Awaited
from masquerade.stages.network_face import NetworkFace
from masquerade.stages.network_swap import NetworkSwap
from masquerade.stages.swap import Swap
from masquerade.testing.simulated_device import SimulatedDevice
from masquerade.testing.simulated_swapper import simulated_swapper
from masquerade.testing.threads import no_leaked_threads


class Stream:
    """A stage on so many devices; each run takes 61 ms on whichever is free."""

    def __init__(self, devices: int, refresh: str, mode: str = "never", **changes) -> None:
        self.devices = [SimulatedDevice() for _ in range(devices)]
        donors = {"astronaut": donor_photos.donor("astronaut")}
        settings = Settings(refresh=refresh, **changes)
        swapper = simulated_swapper(self.devices, latency_ms=60, batching=Batching(mode))
        bridge = Swap(donors, settings)
        self.stage = NetworkSwap(donors, settings, NetworkFace(swapper, (), (), settings), bridge)
        self.stage.prepare(donors)
        self.seq = 0

    def frame(self, shown: View, faces: list[Face], *, live: bool = False) -> FrameJob:
        captured_s = time.perf_counter() if live else None
        job = FrameJob(Frame(shown.pixels, self.seq, 40 * self.seq, captured_s=captured_s), faces)
        self.seq += 1
        return Awaited().process(self.stage.process(job))

    @property
    def runs(self) -> list[int]:
        return [device.runs for device in self.devices]


def _row(shown: View, count: int) -> list[Face]:
    faces = [shown.face(track_id) for track_id in range(count)]
    for track_id, face in enumerate(faces):
        face.landmarks = shown.landmarks + np.array([30 * track_id, 0, 0], np.float32)
    return faces


def _took_s(stream: Stream, shown: View, count: int) -> float:
    faces, times = _row(shown, count), []
    for _ in range(3):
        began_s = time.perf_counter()
        job = stream.frame(shown, faces)
        times.append(time.perf_counter() - began_s)
        assert len(job.patches) == count
    return statistics.median(times)


@pytest.mark.alone
def test_four_faces_of_a_frame_take_half_the_time_on_two_devices() -> None:
    shown = view()
    one, two = Stream(1, "every"), Stream(2, "every")
    with no_leaked_threads(), one.stage, two.stage:
        ratio = _took_s(one, shown, 4) / _took_s(two, shown, 4)
    assert (one.runs, two.runs) == ([12], [6, 6])
    assert ratio > 1.4


@pytest.mark.alone
def test_four_faces_take_at_most_one_and_a_half_times_one_where_the_device_batches() -> None:
    shown = view()
    stream = Stream(1, "every", "always")
    with no_leaked_threads(), stream.stage:
        one, four = (_took_s(stream, shown, count) for count in (1, 4))
    assert stream.runs == [6]
    assert stream.devices[0].items == 15
    assert four < 2.5 * one, "1.1 by the device's account, and nothing like 4"


@pytest.mark.alone
def test_two_devices_make_twice_as_many_key_frames_of_a_live_face() -> None:
    shown = view()
    made = []
    with no_leaked_threads():
        for devices in (1, 2):
            stream = Stream(devices, "1")
            with stream.stage as stage:
                end_s = time.perf_counter() + 1.5
                while time.perf_counter() < end_s:
                    stream.frame(shown, [shown.face()], live=True)
                    time.sleep(0.005)
                made.append(stage.gauges()["refreshes"])
    assert made[1] > 1.4 * made[0]
    assert min(stream.runs) > 0.4 * max(stream.runs)
