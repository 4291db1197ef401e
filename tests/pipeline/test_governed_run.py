"""The governor on a real line: real threads, real channels, a real meter, stages that take time."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

import numpy as np
import pytest

from masquerade.core.frame import Change, Frame
from masquerade.core.protocols import SourceInfo
from masquerade.pipeline.flow import Flow
from masquerade.pipeline.governor import Governor
from masquerade.pipeline.knobs import Knob
from masquerade.pipeline.line import Line
from masquerade.pipeline.load import Load
from masquerade.pipeline.meter import Meter
from masquerade.pipeline.pacer import Pacer
from masquerade.pipeline.presets import Preset
from masquerade.pipeline.run import Run

RATE = 30
ONE_KNOB = Preset(name="one", p95_ms=90.0, steps=(("resolution", 0.75), ("resolution", 0.5)))


class Camera:
    """Gives a picture thirty times a second until it is closed."""

    info = SourceInfo((16, 12), None, Fraction(RATE), None, live=True)

    def __init__(self):
        self._closed = threading.Event()

    def __iter__(self):
        began_s = time.perf_counter()
        for seq in range(10**6):
            if self._closed.wait(max(0.0, began_s + seq / RATE - time.perf_counter())):
                return
            pixels = np.zeros((12, 16, 3), np.uint8)
            yield Frame(pixels, seq=seq, captured_s=time.perf_counter())

    def close(self):
        self._closed.set()


class Device:
    """A stage whose time is that of its resolution; a test makes it slower."""

    name = "swap"

    def __init__(self):
        self.resolution, self.load = 1.0, 1.0

    def process(self, job):
        ms = 20 * (0.3 + 0.7 * self.resolution**2)
        time.sleep(ms * self.load / 1000)
        return job

    def reset(self):
        pass


class Nothing(Device):
    name = "conceal"

    def process(self, job):
        return job


class Rig:
    """A run that is looked at twice a second."""

    def __init__(self):
        self.device, self.camera, self.meter = Device(), Camera(), Meter()
        line = Line([[self.device]], concealment=Nothing())
        flow = Flow(frames_alive=2, capacity=1, live=True)
        self.run = Run(
            self.camera, line.sections, self._emit, self.meter, flow, pacer=Pacer(1 / RATE)
        )
        self.governor = Governor([Knob("resolution", (1.0, 0.75, 0.5))], ONE_KNOB)
        self.turned = []
        self._dropped, self._seen_s, self._busy_s = 0, time.perf_counter(), 0.0

    def _emit(self, job):
        pass

    def look(self):
        now_s, busy_s = time.perf_counter(), sum(self.run.busy_s().values())
        dropped = self.meter.losses["dropped"]
        source_fps, output_fps = self.meter.recent_fps()
        load = Load(
            now_s=now_s,
            p95_ms=self.meter.recent_p95_ms(),
            queue_age_ms=1000 * self.run.queue_age_s(),
            source_fps=source_fps,
            output_fps=output_fps,
            dropped=dropped - self._dropped,
            busy=min(1.0, (busy_s - self._busy_s) / (now_s - self._seen_s)),
            period_ms=1000 / RATE,
        )
        self._dropped, self._seen_s, self._busy_s = dropped, now_s, busy_s
        for turn in self.governor.observe(load):
            self.turned.append(turn.value)
            change = {"swap": lambda stage, value=turn.value: _set(stage, value)}
            self.run.change(Change(change))

    def look_until(self, reached, within_s):
        end_s = time.perf_counter() + within_s
        while not reached() and time.perf_counter() < end_s:
            self.run.wait_for_end(0.5)
            self.look()
        return reached()


def _set(stage, value):
    stage.resolution = value
    return stage


@pytest.mark.slow
def test_resolution_follows_the_load_of_a_real_line():
    rig = Rig()
    rig.run.start()
    try:
        assert not rig.look_until(lambda: rig.turned, 3)
        rig.device.load = 2.2
        assert rig.look_until(lambda: rig.device.resolution < 1, 15)
        rig.look_until(lambda: False, 5)
        rig.device.load = 0.8
        assert rig.look_until(lambda: rig.device.resolution == 1, 40)
    finally:
        rig.camera.close()
        rig.run.stop(5)
    assert len(rig.turned) <= 6
    assert rig.meter.losses["dropped"] > 0
