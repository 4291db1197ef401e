"""What the status line says of a stream, part by part, and how much each part matters."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from masquerade.pipeline.statistics import LiveStatistics, SinkState

__all__ = ["Part", "sink_title", "status_parts"]

_MIB = 2**20
_SILENT = ("window", "null", "snapshots")  # outputs whose health needs no words
_SLOW_FPS = 25.0  # of a source: below it, the source is named as the cause
_BEHIND = 0.95  # share of the source's rate below which it is the engine that is slow


class Part(NamedTuple):
    """A few words of the line; of two parts that do not both fit, the one of lower rank stays."""

    text: str
    rank: int


def status_parts(statistics: LiveStatistics, grown_bytes: int) -> list[Part]:
    """The parts in the order in which they are shown.

    Args:
        statistics: of the stream.
        grown_bytes: how far memory has changed since the stream was steady.
    """
    parts = [_state(statistics)]
    if statistics.frames:
        latency = statistics.latency_ms
        parts.append(Part(f"{latency.p50:.0f}/{latency.p95:.0f} ms", 1))
        parts += _losses(statistics)
        stage = _slowest(statistics)
        if stage is not None:
            parts.append(Part(stage, 6))
        faces = statistics.faces
        parts.append(Part(f"{faces} face{'' if faces == 1 else 's'}", 7))
    if statistics.gpu is not None:
        parts.append(Part(f"GPU {statistics.gpu:.0%}", 8))
    if statistics.eased:
        parts.append(Part("eased " + ", ".join(statistics.eased), 10))
    if statistics.rss_bytes:
        grown = f" {grown_bytes / _MIB:+.0f}" if abs(grown_bytes) >= _MIB else ""
        parts.append(Part(f"{statistics.rss_bytes / _MIB:.0f} MB{grown}", 9))
    parts += [part for sink in statistics.sinks if (part := _sink(sink)) is not None]
    return parts


def sink_title(name: str) -> str:
    """A sink's name as short as it may be shown: of an address, what follows may be a secret key.

    >>> sink_title("rtmp://user:word@live.example/app/key"), sink_title("films/out.mp4")
    ('rtmp://live.example', 'out.mp4')
    """
    if "://" in name:
        address = urlsplit(name)
        return f"{address.scheme}://{address.hostname or ''}"
    return PurePath(name).name or name


def _state(statistics: LiveStatistics) -> Part:
    """How the stream goes, in the fewest words."""
    if statistics.paused:
        return Part("paused", 0)
    if statistics.source:
        return Part(statistics.source, 0)
    if not statistics.frames:
        return Part("looking for the first picture", 0)
    rate = f"{statistics.fps:.1f} fps"
    source_fps = statistics.source_fps
    if statistics.fps < _BEHIND * source_fps or 0 < source_fps < _SLOW_FPS:
        rate += f" (source {source_fps:.1f})"
    return Part(rate, 0)


def _losses(statistics: LiveStatistics) -> list[Part]:
    """What was lost; that nothing was is worth a word for drops alone."""
    parts = [Part(f"{statistics.dropped} dropped", 2)]
    if statistics.skipped:
        parts.append(Part(f"{statistics.skipped} skipped", 3))
    if statistics.lagged:
        parts.append(Part(f"{statistics.lagged} lagged", 5))
    return parts


def _slowest(statistics: LiveStatistics) -> str | None:
    times_ms = statistics.stages_ms
    if not times_ms:
        return None
    name = max(times_ms, key=lambda stage: times_ms[stage])
    return f"{name} {times_ms[name]:.1f} ms"


def _sink(sink: SinkState) -> Part | None:
    """An output, if it has anything to say; trouble matters more than a healthy recording."""
    title = sink_title(sink.name)
    if sink.error is not None:
        return Part(f"{title} failed", 2)
    if sink.status:
        return Part(f"{title}: {sink.status}", 2)
    if title in _SILENT:
        return None
    lost = f", {sink.dropped} lost" if sink.dropped else ""
    word = "REC" if _is_file(sink.name) else "to"
    return Part(f"{word} {title}{lost}", 4)


def _is_file(name: str) -> bool:
    return "://" not in name and bool(PurePath(name).suffix)
