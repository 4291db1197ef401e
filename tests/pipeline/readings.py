"""Statistics of a stream that is well, and what a test changes of them."""

from __future__ import annotations

from typing import Any

from masquerade.pipeline.statistics import LatencyMs, LiveStatistics
from masquerade.runtime.gauges import GaugeReading, GpuReading


def well(**changes: Any) -> LiveStatistics:
    values: dict[str, Any] = {
        "seconds": 60.0,
        "frames": 1800,
        "fps": 30.0,
        "source_fps": 30.0,
        "latency_ms": LatencyMs(31.0, 42.5, 60.0),
        "lagged": 3,
        "skipped": 1,
        "dropped": 2,
        "faces": 1,
        "faces_swapped": 1790,
        "faces_concealed": 4,
        "stages_ms": {"detect": 4.0, "swap": 12.0},
        "busiest": "swap",
        "busy": 0.4,
        "rss_bytes": 300_000_000,
        "peak_rss_bytes": 310_000_000,
    }
    return LiveStatistics(**{**values, **changes})


def gauge(cpu: float = 0.5, host_cpu: float = 0.5, gpu: float | None = None) -> GaugeReading:
    devices = None if gpu is None else (GpuReading("RTX 4080", gpu, 10**9, 16 * 10**9),)
    return GaugeReading(300_000_000, 310_000_000, cpu, host_cpu, devices)
