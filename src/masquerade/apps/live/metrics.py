"""Prometheus metrics of a live stream, measured when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from masquerade._version import __version__
from masquerade.apps.live.metrics_server import HttpServer, parse_place
from masquerade.core.addresses import without_secrets
from masquerade.core.lifetimes import Closing
from masquerade.pipeline.statistics import LiveStatistics, SinkState

__all__ = ["HasStatistics", "MetricsServer"]


class HasStatistics(Protocol):
    """What is measured: a live session."""

    def statistics(self) -> LiveStatistics:
        """The stream as it is now; may be called from any thread."""
        ...


class MetricsServer(Closing):
    """Serves the metrics of a session at ``http://HOST:PORT/metrics`` until it is closed.

    Args:
        address: ``PORT`` or ``HOST:PORT``; without a host only this machine can ask. Port 0 takes
            a free one.
        session: measured at every request.

    Raises:
        SettingsError: the address is none.
        OutputError: the port is in use or may not be taken, or the host is not this machine's.
    """

    def __init__(self, address: str, session: HasStatistics) -> None:
        registry = CollectorRegistry()
        registry.register(_Stream(session))
        self._server = HttpServer(*parse_place(address), registry)

    @property
    def url(self) -> str:
        """Where the metrics are."""
        return self._server.url

    def close(self) -> None:
        """Stop serving; returns when every thread has ended. May be called twice."""
        self._server.close()


_COUNTERS = (
    ("frames", "Frames emitted.", "frames"),
    ("frames_lagged", "Frames emitted later than planned.", "lagged"),
    ("frames_skipped", "Frames emitted concealed since they were late.", "skipped"),
    ("frames_dropped", "Frames thrown away at the entrance.", "dropped"),
    ("faces_swapped", "Faces drawn, counted anew in every frame.", "faces_swapped"),
    ("faces_concealed", "Faces held or blurred instead of swapped.", "faces_concealed"),
    ("faces_passed", "Real faces shown, as --on-lost pass asks.", "faces_passed"),
)
_GAUGES = (
    ("seconds", "Seconds since the first frame was captured.", "seconds"),
    ("fps", "Frames emitted a second, over the last two seconds.", "fps"),
    ("source_fps", "Frames captured a second, over the last two seconds.", "source_fps"),
    ("faces", "Faces on the last frame.", "faces"),
    ("busy_ratio", "Share of the time that the busiest stage is at work.", "busy"),
    ("cpu_ratio", "Share of the cores that the program takes.", "cpu"),
    ("memory_bytes", "Memory of the process.", "rss_bytes"),
    ("memory_peak_bytes", "The most memory the process ever took.", "peak_rss_bytes"),
    ("paused", "1 while the stream stands still.", "paused"),
)


class _Stream(Collector):
    """Reads the statistics once for each request."""

    def __init__(self, session: HasStatistics) -> None:
        self._session = session

    def collect(self) -> Iterator[Metric]:
        """All metrics of the stream as it is now."""
        now = self._session.statistics()
        yield InfoMetricFamily(
            "masquerade", "The program.", {"version": __version__, "preset": now.preset}
        )
        for name, text, field in _COUNTERS:
            yield CounterMetricFamily(f"masquerade_{name}", text, getattr(now, field))
        for name, text, field in _GAUGES:
            yield GaugeMetricFamily(f"masquerade_{name}", text, float(getattr(now, field)))
        if now.gpu is not None:
            text = "Share of the time that the busiest graphics device works."
            yield GaugeMetricFamily("masquerade_gpu_ratio", text, now.gpu)
        yield GaugeMetricFamily("masquerade_alarms", "Alarms that stand.", len(now.alarms))
        waits = float(bool(now.source))
        yield GaugeMetricFamily("masquerade_source_waiting", "1 while no frames come.", waits)
        yield _latency(now)
        yield _gauges(
            "stage_seconds",
            "Median time of a stage for one frame.",
            "stage",
            ((name, ms / 1000) for name, ms in now.stages_ms.items()),
        )
        yield _gauges(
            "eased_level",
            "How far the governor has turned a knob down; 0 is the best picture.",
            "knob",
            now.eased.items(),
        )
        yield from _sinks(now.sinks)


def _latency(now: LiveStatistics) -> Metric:
    """A summary without a sum: percentiles are all that is kept."""
    metric = Metric("masquerade_latency_seconds", "From capture to the exit.", "summary")
    for quantile, ms in (
        ("0.5", now.latency_ms.p50),
        ("0.95", now.latency_ms.p95),
        ("0.99", now.latency_ms.p99),
    ):
        metric.add_sample(metric.name, {"quantile": quantile}, ms / 1000)
    metric.add_sample(f"{metric.name}_count", {}, now.frames)
    return metric


def _gauges(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    metric = GaugeMetricFamily(f"masquerade_{name}", text, labels=[label])
    for key, value in values:
        metric.add_metric([key], value)
    return metric


def _sinks(sinks: tuple[SinkState, ...]) -> Iterator[Metric]:
    frames = CounterMetricFamily("masquerade_sink_frames", "Frames taken.", labels=["sink"])
    dropped = CounterMetricFamily("masquerade_sink_dropped", "Frames too many.", labels=["sink"])
    up = GaugeMetricFamily("masquerade_sink_up", "1 while it takes frames.", labels=["sink"])
    for name, sink in _named(sinks):
        frames.add_metric([name], sink.frames)
        dropped.add_metric([name], sink.dropped)
        up.add_metric([name], float(sink.error is None and not sink.status))
    yield from (frames, dropped, up)


def _named(sinks: tuple[SinkState, ...]) -> Iterator[tuple[str, SinkState]]:
    """Sinks with a name each that may be shown, no two the same."""
    seen: dict[str, int] = {}
    for sink in sinks:
        name = without_secrets(sink.name)
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} #{seen[name]}", sink
