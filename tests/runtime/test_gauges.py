"""What is read of the process and its machine, on the real one; the graphics driver is faked."""

from __future__ import annotations

import mmap
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pynvml
import pytest

from masquerade.runtime.gauges import GpuReading, GpuWatcher, ProcessGauge


def test_memory_and_its_peak_follow_the_process():
    with ProcessGauge() as gauge:
        before = gauge.read()
        block = mmap.mmap(-1, 60_000_000)  # not from memory that was freed before
        block.write(bytes(60_000_000))
        during = gauge.read()
        block.close()
        after = gauge.read()
    assert during.rss_bytes - before.rss_bytes > 50_000_000
    assert after.rss_bytes < during.rss_bytes - 50_000_000
    assert after.peak_rss_bytes >= during.rss_bytes
    assert after.rss_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count otherwise")
def test_the_peak_is_not_inherited_from_the_program_that_started_it():
    big = np.ones(200_000_000, np.uint8)
    code = (
        "from masquerade.runtime.gauges import ProcessGauge; "
        "print(ProcessGauge().read().peak_rss_bytes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert 5_000_000 < int(done.stdout) < 100_000_000
    assert big[0]


@pytest.mark.alone
def test_the_processor_share_is_the_time_that_was_worked():
    with ProcessGauge() as gauge:
        began_s, worked_s = time.perf_counter(), time.process_time()
        while time.process_time() - worked_s < 0.3:
            pass
        passed_s = time.perf_counter() - began_s
        reading = gauge.read()
        again = gauge.read()
    cores = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else 1
    assert reading.cpu >= 0.7 * 0.3 / (passed_s * cores)
    assert 0 < reading.host_cpu <= 1
    assert again.cpu == reading.cpu  # too soon for another measurement


def test_a_process_that_rests_takes_nothing():
    now_s = [0.0]
    gauge = ProcessGauge(clock=lambda: now_s[0])
    now_s[0] = 60.0
    assert gauge.read().cpu < 0.05
    gauge.close()


def test_readings_are_cheap_enough_for_twice_a_second():
    with ProcessGauge() as gauge:
        worked_s = time.process_time()
        for _ in range(100):
            gauge.read()
        assert (time.process_time() - worked_s) / 100 < 0.01


def test_graphics_devices_can_be_given():
    devices = (GpuReading("RTX 4080", 0.04, 2**30, 2**34),)
    with ProcessGauge(gpus=lambda: devices) as gauge:
        assert gauge.read().gpus == devices


class Driver:
    """NVIDIA's library as far as it is asked, with two devices."""

    def __init__(self, monkeypatch):
        self.inits = self.shutdowns = 0
        self.gone = False
        for name in (
            "nvmlInit",
            "nvmlShutdown",
            "nvmlDeviceGetCount",
            "nvmlDeviceGetHandleByIndex",
            "nvmlDeviceGetName",
            "nvmlDeviceGetMemoryInfo",
            "nvmlDeviceGetUtilizationRates",
        ):
            monkeypatch.setattr(pynvml, name, getattr(self, name))

    def nvmlInit(self):  # noqa: N802
        self.inits += 1

    def nvmlShutdown(self):  # noqa: N802
        self.shutdowns += 1

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return f"Device {handle}".encode() if handle else "Device 0"

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        if self.gone:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return SimpleNamespace(total=1000, used=100 + handle, free=900 - handle)

    def nvmlDeviceGetUtilizationRates(self, handle):  # noqa: N802
        return SimpleNamespace(gpu=40 + handle, memory=3)


def test_every_device_of_the_driver_is_read(monkeypatch):
    driver = Driver(monkeypatch)
    with ProcessGauge() as gauge:
        expected = (GpuReading("Device 0", 0.4, 100, 1000), GpuReading("Device 1", 0.41, 101, 1000))
        assert gauge.read().gpus == expected
        assert gauge.read().gpus == expected
    gauge.close()
    assert (driver.inits, driver.shutdowns) == (1, 1)


def test_a_device_that_is_lost_is_asked_no_more(monkeypatch):
    driver = Driver(monkeypatch)
    with ProcessGauge() as gauge:
        driver.gone = True
        assert gauge.read().gpus is None
        driver.gone = False
        assert gauge.read().gpus is None
    assert driver.shutdowns == 1


def test_no_driver_is_no_gauge(monkeypatch):
    def missing():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    watcher = GpuWatcher()
    assert watcher.read() is None
    watcher.close()


def test_the_gauge_of_this_machine_works_with_or_without_a_device():
    with ProcessGauge() as gauge:
        gpus = gauge.read().gpus
    assert gpus is None or all(0 <= gpu.use <= 1 and gpu.memory_total_bytes > 0 for gpu in gpus)
