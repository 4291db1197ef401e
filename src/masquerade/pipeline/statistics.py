"""What a running stream looks like at one moment, in numbers and a few words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LatencyMs", "LiveStatistics", "SinkState"]


@dataclass(frozen=True, slots=True)
class LatencyMs:
    """Time from capture to the end of the exit, milliseconds, of all frames so far."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class SinkState:
    """One output.

    Attributes:
        name: as the user named it.
        frames: frames that it took.
        dropped: frames that it was too slow for.
        status: a few words on what it is waiting for; empty while all is well.
        error: why it ended before its time, one sentence; None while it lives.
    """

    name: str
    frames: int
    dropped: int
    status: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStatistics:
    """A stream so far.

    Attributes:
        seconds: since the first frame was captured.
        frames: frames emitted.
        fps: frames emitted a second, over the last two seconds.
        source_fps: frames captured a second, over the last two seconds.
        latency_ms: from capture to the exit.
        lagged: emitted later than planned.
        skipped: emitted without a swap of their own (concealed as a whole) since they were late.
        dropped: thrown away at the entrance.
        faces: faces on the last frame.
        faces_swapped: faces drawn so far, counted anew in every frame.
        faces_concealed: faces that were to be swapped but were held or blurred, so far.
        faces_passed: those that were shown as they are instead, as on_lost "pass" asks, so far.
        stages_ms: median time of each stage.
        busiest: name of the stage that is at work for the largest share of the time.
        busy: that share, 0 to 1.
        rss_bytes: memory of the process.
        peak_rss_bytes: the most it ever was.
        cpu: share of the processor's cores that the program takes, 0 to 1.
        gpu: share of the time that the busiest graphics device works; None where none is seen.
        paused: whether the stream stands still.
        preset: name of the preset.
        eased: what the governor has turned down, by knob: level 0 is the best.
        alarms: what is wrong lately and what to do, one sentence each.
        alarm_codes: the same for programs, in the same order: ``fps.source`` and so on.
        source: a few words on what the source is waiting for; empty while frames come.
        sinks: every output.
        models: brought networks that take part, each with precision and provider.
        networks: of brought networks that draw: ``refreshes`` (key frames) and
            ``network_failures`` so far, ``refresh_age_s`` of the oldest key frame that is shown,
            ``network_busy``: share of the time, 0 to 1. Empty without them.
        notices: what had to be given up for memory so far, one sentence each, the oldest first.
    """

    seconds: float
    frames: int
    fps: float
    source_fps: float
    latency_ms: LatencyMs
    lagged: int
    skipped: int
    dropped: int
    faces: int
    faces_swapped: int
    faces_concealed: int
    stages_ms: dict[str, float]
    busiest: str
    busy: float
    rss_bytes: int
    peak_rss_bytes: int
    faces_passed: int = 0
    cpu: float = 0.0
    gpu: float | None = None
    paused: bool = False
    preset: str = "balanced"
    eased: dict[str, int] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    alarm_codes: tuple[str, ...] = ()
    source: str = ""
    sinks: tuple[SinkState, ...] = ()
    models: tuple[str, ...] = ()
    networks: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; numbers with 3 decimals."""
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
