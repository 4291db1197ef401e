"""What the process takes of the machine: memory, processor time, and the graphics devices.

One reading costs well below a millisecond on the processor side, so twice a second is no load.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from masquerade.core.lifetimes import Closing
from masquerade.runtime.memory import peak_resident_bytes

__all__ = ["GaugeReading", "GpuReading", "GpuWatcher", "ProcessGauge"]

_LEAST_S = 0.1  # the system counts the machine's time in steps of 10 ms


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One graphics device, all programs together.

    Attributes:
        name: as its driver calls it.
        use: share of the time in which it was at work lately, 0 to 1.
        memory_bytes: taken.
        memory_total_bytes: there is.
    """

    name: str
    use: float
    memory_bytes: int
    memory_total_bytes: int


@dataclass(frozen=True, slots=True)
class GaugeReading:
    """The process and its machine at one moment.

    Attributes:
        rss_bytes: memory of the process.
        peak_rss_bytes: the most it ever was.
        cpu: share of the cores it may use that the process took since the last reading, 0 to 1.
        host_cpu: the same of all programs, over all cores of the machine.
        gpus: the graphics devices; None where none can be read.
    """

    rss_bytes: int
    peak_rss_bytes: int
    cpu: float
    host_cpu: float
    gpus: tuple[GpuReading, ...] | None


class ProcessGauge(Closing):
    """Reads this process.

    Args:
        gpus: where the graphics devices are read; None takes NVIDIA's driver where there is one.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        *,
        gpus: Callable[[], tuple[GpuReading, ...] | None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._process = psutil.Process()
        self._clock = clock
        self._cores = _usable_cores()
        self._watcher = GpuWatcher() if gpus is None else None
        self._read_gpus = self._watcher.read if self._watcher is not None else gpus
        self._peak_bytes = 0
        self._read_s = clock()
        self._own_s = time.process_time()
        self._host = _host_times()
        self._cpu = self._host_cpu = 0.0

    def read(self) -> GaugeReading:
        """Measure. The shares are over the time since the last reading, at least a tenth of a
        second; a reading that comes sooner repeats them.
        """
        rss_bytes = int(self._process.memory_info().rss)
        self._peak_bytes = max(self._peak_bytes, rss_bytes, peak_resident_bytes())
        self._update_shares()
        return GaugeReading(
            rss_bytes=rss_bytes,
            peak_rss_bytes=self._peak_bytes,
            cpu=self._cpu,
            host_cpu=self._host_cpu,
            gpus=self._read_gpus() if self._read_gpus is not None else None,
        )

    def close(self) -> None:
        """Let the driver go; may be called twice."""
        if self._watcher is not None:
            self._watcher.close()

    def _update_shares(self) -> None:
        now_s = self._clock()
        passed_s = now_s - self._read_s
        if passed_s < _LEAST_S:
            return
        own_s, host = time.process_time(), _host_times()
        self._cpu = _share(own_s - self._own_s, passed_s * self._cores)
        total_s = host[1] - self._host[1]
        # Some sandboxes do not count the machine's time: then the process is all that is known.
        self._host_cpu = _share(host[0] - self._host[0], total_s) if total_s > 0 else self._cpu
        self._read_s, self._own_s, self._host = now_s, own_s, host


class GpuWatcher(Closing):
    """Reads the graphics devices through NVIDIA's driver; whatever goes wrong ends it for good."""

    def __init__(self) -> None:
        import pynvml

        self._library: Any = None
        self._devices: list[tuple[Any, str]] = []
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:  # no driver, no device, no permission: there is no gauge
            return
        self._library = pynvml
        try:
            for index in range(pynvml.nvmlDeviceGetCount()):
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                self._devices.append((handle, _text(pynvml.nvmlDeviceGetName(handle))))
        except pynvml.NVMLError:
            self.close()

    def read(self) -> tuple[GpuReading, ...] | None:
        """Every device; None where there is none or the driver gave up."""
        if self._library is None or not self._devices:
            return None
        try:
            return tuple(self._one(handle, name) for handle, name in self._devices)
        except self._library.NVMLError:
            self.close()
            return None

    def close(self) -> None:
        """Let the driver go; may be called twice."""
        library, self._library = self._library, None
        self._devices = []
        if library is not None:
            with contextlib.suppress(library.NVMLError):
                library.nvmlShutdown()

    def _one(self, handle: Any, name: str) -> GpuReading:
        memory = self._library.nvmlDeviceGetMemoryInfo(handle)
        use = self._library.nvmlDeviceGetUtilizationRates(handle).gpu / 100
        return GpuReading(name, use, int(memory.used), int(memory.total))


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0)


def _host_times() -> tuple[float, float]:
    """Seconds that all cores have worked, and all seconds they had."""
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts the time of guests in the user's as well.
    guests_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    total_s = sum(times) - guests_s
    return total_s - idle_s, total_s


def _usable_cores() -> float:
    """Cores that this process may use: by affinity, and by the container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, int(quota) / int(period))
    return max(cores, 0.01)
