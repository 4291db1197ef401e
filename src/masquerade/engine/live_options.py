"""How a live stream is run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LiveOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """How a live stream is run.

    Attributes:
        preset: name of the governor's preset; see docs/live.md.
        governed: let the governor turn knobs to keep up.
        paced: let frames leave at the source's steady rate rather than when they are finished.
        warm_up: run the stages on a bundled picture before the first frame.
        deadline_s: age from which a frame is not worked on any more: it leaves concealed.
        drain_s: how long frames under way, and sinks, are given to finish at the end.
        alarm_fps: rate below which an alarm is raised.
    """

    preset: str = "balanced"
    governed: bool = True
    paced: bool = True
    warm_up: bool = True
    deadline_s: float = 0.5
    drain_s: float = 5.0
    alarm_fps: float = 25.0
