import threading

import numpy as np
import pytest

from masquerade.core.errors import ModelError
from masquerade.runtime.network import Network, Port
from masquerade.testing.simulated_device import SimulatedDevice, SimulatedNetwork

INPUTS = (Port("target", (None, 3, 8, 8), np.dtype(np.float32)),)
OUTPUTS = (
    Port("output", (None, 3, 8, 8), np.dtype(np.float32)),
    Port("mask", (None, 1, 4, 4), np.dtype(np.float16)),
)


def batch(count):
    return {"target": np.zeros((count, 3, 8, 8), np.float32)}


def test_a_run_takes_its_latency_and_its_items_and_the_device_counts_it():
    slept = []
    device = SimulatedDevice(slept.append)
    network: Network = SimulatedNetwork(INPUTS, OUTPUTS, 10, 2, device=device)
    results = network.run(batch(4))
    assert [(r.shape, r.dtype) for r in results] == [
        ((4, 3, 8, 8), np.float32),
        ((4, 1, 4, 4), np.float16),
    ]
    network.run(batch(1))
    assert slept == pytest.approx([0.018, 0.012])
    assert device.busy_s == pytest.approx(0.030)
    assert (device.runs, device.items) == (2, 5)


def test_runs_of_all_networks_on_a_device_take_turns():
    inside, most = 0, 0

    def sleep(_):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        threading.Event().wait(0.002)
        inside -= 1

    shared = SimulatedDevice(sleep)
    networks = [SimulatedNetwork(INPUTS, OUTPUTS, 1, 1, device=shared) for _ in range(2)]
    threads = [threading.Thread(target=network.run, args=(batch(1),)) for network in networks * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shared.runs == 6
    assert most == 1


def test_two_devices_work_at_the_same_time():
    together = threading.Barrier(2, timeout=5)
    networks = [
        SimulatedNetwork(INPUTS, OUTPUTS, 1, 1, device=SimulatedDevice(lambda _: together.wait()))
        for _ in range(2)
    ]
    threads = [threading.Thread(target=network.run, args=(batch(1),)) for network in networks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The barrier lets them through together or not at all.
    assert [network.device.runs for network in networks] == [1, 1]


def test_results_may_be_computed():
    network = SimulatedNetwork(
        INPUTS, OUTPUTS[:1], 0, 0, compute=lambda feeds: [feeds["target"] + 1]
    )
    assert network.run(batch(2))[0].mean() == 1


def test_inputs_that_do_not_fit_and_runs_after_closing_are_errors():
    network = SimulatedNetwork(INPUTS, OUTPUTS, 0, 0)
    for feeds in (
        {},
        {"target": np.zeros((1, 3, 8, 8))},
        {"target": np.zeros((1, 3, 9, 8), np.float32)},
        {"target": np.zeros((3, 8, 8), np.float32)},
    ):
        with pytest.raises(ModelError, match="'target' takes float32"):
            network.run(feeds)
    network.close()
    network.close()
    with pytest.raises(ModelError, match="closed"):
        network.run(batch(1))
    assert network.device.runs == 0
