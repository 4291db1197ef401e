"""Why a stream is slower than it ought to be, and what the user can do."""

from __future__ import annotations

from dataclasses import dataclass

from masquerade.pipeline.statistics import LiveStatistics
from masquerade.runtime.gauges import GaugeReading

__all__ = ["FULL", "IDLE", "Finding", "find_shortfall", "fps_limit"]

FULL = 0.92
"""Share of the processor from which it counts as full."""
IDLE = 0.15
"""Share of the time below which a graphics device counts as idle."""

_OTHERS = 0.4  # share of the processor that other programs may take before they are the cause
_AT_WORK = 0.85  # share of the time from which a stage is the bottleneck
_OF_SOURCE = 0.9  # share of the source's frames that may be missing before the engine is the cause
_OF_RATE = 0.9  # share of the announced rate that any stream may fall to


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong now.

    Attributes:
        cause: one word; another one is another finding.
        text: what is wrong and what to do, two short sentences.
    """

    cause: str
    text: str


def fps_limit(alarm_fps: float, rate: float | None) -> float:
    """Frames a second below which a stream is too slow.

    Args:
        alarm_fps: what the user wants to be told of.
        rate: what the source announces or the user asked for; None where neither is known.

    >>> fps_limit(25, 30), round(fps_limit(25, 24), 1)
    (25, 21.6)
    """
    return alarm_fps if rate is None else min(alarm_fps, _OF_RATE * rate)


def find_shortfall(
    now: LiveStatistics, gauge: GaugeReading | None, limit_fps: float
) -> Finding | None:
    """The cause of too few frames a second; None while there are enough.

    A stream that is paused or whose source is known to wait is not judged.
    """
    if now.fps >= limit_fps or now.paused or now.source:
        return None
    cause, text = _cause(now, gauge)
    return Finding(cause, f"Fell to {now.fps:.0f} fps, below {limit_fps:.0f}: {text}")


def _cause(now: LiveStatistics, gauge: GaugeReading | None) -> tuple[str, str]:
    taken = 0.0 if gauge is None else max(gauge.cpu, gauge.host_cpu)
    others = 0.0 if gauge is None else gauge.host_cpu - gauge.cpu
    if taken >= FULL and others >= _OTHERS:
        return "others", (
            f"other programs take {others:.0%} of the processor. Close them, or {_cheaper(now)}."
        )
    if now.fps >= _OF_SOURCE * now.source_fps and taken < FULL:
        return "source", (
            f"the camera or stream itself gives {now.source_fps:.0f} fps. Give the camera more "
            "light or choose another format (`masquerade cameras` lists them)."
        )
    if now.busy >= _AT_WORK:
        taken_ms = _frame_ms(now)
        return f"stage {now.busiest}", (
            f"the step {now.busiest} takes {taken_ms:.0f} ms a frame. {_capital(_cheaper(now))}."
        )
    if taken >= FULL:
        return "processor", f"the processor is full ({taken:.0%}). {_capital(_cheaper(now))}."
    return "bursts", (
        "frames come in bursts or too late, and no step is at its limit. Use a cable instead of "
        "a radio link, or a lower rate at the source."
    )


def _frame_ms(now: LiveStatistics) -> float:
    """Time that the busiest section of the line, one stage or several (``a+b``), takes a frame."""
    stages_ms = [now.stages_ms[name] for name in now.busiest.split("+") if name in now.stages_ms]
    return sum(stages_ms) if stages_ms else 1000 * now.busy / max(now.fps, 0.1)


def _cheaper(now: LiveStatistics) -> str:
    """What makes a frame cheaper, as far as it is not done yet."""
    ways = []
    if any(name.startswith("enhance") for name in now.stages_ms):
        ways.append("turn the enhancer off")
    if now.preset != "fast":
        ways.append("take --preset fast")
    ways += ["take a smaller input (--size 640x360)", "use a faster provider (`masquerade doctor`)"]
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
