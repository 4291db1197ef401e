"""How loaded the line is, and when that is too much."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Effort", "Load", "effort_of", "strain_of"]

_SHORT = 0.02  # share of the frames that may be missing: rates are measured, not exact
_AT_WORK = 0.6  # below it frames are lost to bursts of the source, which no knob mends
_FULL = 0.95  # share of the time from which a stage has no room left
_PERIODS = 2.0  # frame times within which no latency counts as long


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The line in the last moments.

    Attributes:
        now_s: when this was measured, seconds of any monotonic clock.
        p95_ms: latency that 95 of 100 of the latest frames stayed below.
        queue_age_ms: age of the oldest frame that waits.
        source_fps: frames captured a second.
        output_fps: frames emitted a second.
        dropped: frames lost at the entrance since the last measurement.
        busy: share of the time that the busiest stage is at work, 0 to 1.
        period_ms: time between two frames of the output as planned.
    """

    now_s: float
    p95_ms: float
    queue_age_ms: float
    source_fps: float
    output_fps: float
    dropped: int
    busy: float
    period_ms: float

    @property
    def due_fps(self) -> float:
        """Frames a second that ought to come out: as many as come in or as are planned."""
        planned_fps = 1000 / self.period_ms if self.period_ms > 0 else self.source_fps
        return min(self.source_fps, planned_fps)

    def allowed_ms(self, p95_ms: float) -> float:
        """Latency that is not too long: ``p95_ms``, or two frame times where those are longer."""
        return max(p95_ms, _PERIODS * self.period_ms)


@dataclass(frozen=True, slots=True)
class Effort:
    """What frames cost, as the median of some measurements.

    Attributes:
        busy: share of the time that the busiest stage is at work.
        frame_s: time that it works on one frame; 0 where no frame came out.
        p95_ms: latency.
    """

    busy: float
    frame_s: float
    p95_ms: float


def effort_of(loads: Sequence[Load]) -> Effort:
    """What frames cost over ``loads``, at least one."""
    frame_s = [load.busy / load.output_fps for load in loads if load.output_fps > 0]
    return Effort(
        busy=statistics.median(load.busy for load in loads),
        frame_s=statistics.median(frame_s) if frame_s else 0.0,
        p95_ms=statistics.median(load.p95_ms for load in loads),
    )


def strain_of(load: Load, p95_ms: float) -> str:
    """Why the line cannot keep up, in a few words; empty while it can.

    Args:
        load: what was measured.
        p95_ms: latency that is wanted; see :meth:`Load.allowed_ms`.

    >>> load = Load(now_s=0, p95_ms=120, queue_age_ms=0, source_fps=30, output_fps=30, dropped=0,
    ...             busy=0.8, period_ms=33.3)
    >>> strain_of(load, 90), strain_of(load, 150)
    ('p95 latency 120 ms is above 90 ms', '')
    """
    allowed_ms = load.allowed_ms(p95_ms)
    if load.p95_ms > allowed_ms:
        return f"p95 latency {load.p95_ms:.0f} ms is above {allowed_ms:.0f} ms"
    if load.queue_age_ms > allowed_ms:
        return f"a frame has waited {load.queue_age_ms:.0f} ms"
    at_fault = load.busy >= _FULL or (load.dropped > 0 and load.busy >= _AT_WORK)
    if at_fault and load.output_fps < load.due_fps * (1 - _SHORT):
        return f"{load.output_fps:.1f} of {load.due_fps:.1f} fps, busy {load.busy:.0%}"
    return ""
