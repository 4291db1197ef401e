from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from masquerade.core.errors import ModelError
from masquerade.runtime.network import Port
from masquerade.runtime.spread import SpreadNetwork


class Device:
    """A network on a device that works off one run at a time, each in a set time."""

    def __init__(self, name: str, latency_s: float = 0.0) -> None:
        self.provider, self.precision = name, "fp32"
        self.devices = frozenset({f"{name}:{id(self)}"})
        self.input_ports = self.output_ports = (Port("x", (1,), np.dtype(np.float32)),)
        self.notices = ("Both are slow.",)
        self.runs, self.closed = 0, False
        self._latency_s, self._turn = latency_s, threading.Lock()

    def run(self, feeds):
        with self._turn:
            time.sleep(self._latency_s)
            self.runs += 1
        if feeds["x"][0] < 0:
            raise ModelError("It failed.")
        return [feeds["x"] * 2]

    def placement(self):
        return {self.provider: 3}

    def close(self):
        self.closed = True


def took_s(network: SpreadNetwork, runs: int = 24) -> float:
    feeds = [{"x": np.full(1, number, np.float32)} for number in range(runs)]
    with ThreadPoolExecutor(2) as pool:
        began = time.perf_counter()
        results = list(pool.map(network.run, feeds))
        ended = time.perf_counter()
    assert [float(result[0][0]) for result in results] == [2.0 * n for n in range(runs)]
    return ended - began


@pytest.mark.alone
def test_two_devices_are_nearly_twice_one() -> None:
    one = SpreadNetwork([Device("a", 0.02)])
    two = SpreadNetwork([Device("a", 0.02), Device("b", 0.02)])
    assert took_s(one) / took_s(two) > 1.8


def test_runs_are_handed_on_in_turn() -> None:
    devices = [Device("a"), Device("b"), Device("c")]
    network = SpreadNetwork(devices)
    for _ in range(9):
        network.run({"x": np.ones(1, np.float32)})
    assert [device.runs for device in devices] == [3, 3, 3]


def test_the_one_with_the_least_to_do_is_taken() -> None:
    slow, quick = Device("slow", 0.2), Device("quick")
    network = SpreadNetwork([slow, quick])
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(network.run, {"x": np.ones(1, np.float32)})
        while not slow._turn.locked():
            pass
        for _ in range(10):
            network.run({"x": np.ones(1, np.float32)})
        under_way.result()
    assert (slow.runs, quick.runs) == (1, 10)


def test_a_failure_does_not_leave_a_device_busy() -> None:
    devices = [Device("a"), Device("b")]
    network = SpreadNetwork(devices)
    for _ in range(4):
        with pytest.raises(ModelError):
            network.run({"x": np.full(1, -1, np.float32)})
    assert [device.runs for device in devices] == [2, 2]


def test_it_speaks_for_all_and_closes_all() -> None:
    devices = [Device("cuda"), Device("cuda")]
    with SpreadNetwork(devices) as network:
        assert network.placement() == {"cuda": 6}
        assert network.notices == ("Both are slow.",)
        assert (network.provider, network.precision) == ("cuda", "fp32")
        assert len(network.devices) == 2
    assert all(device.closed for device in devices)
    with pytest.raises(ModelError, match="at least"):
        SpreadNetwork([])
