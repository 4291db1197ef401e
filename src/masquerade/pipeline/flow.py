"""How frames flow through a run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Flow"]


@dataclass(frozen=True, slots=True)
class Flow:
    """How frames flow.

    Attributes:
        frames_alive: most frames between entrance and exit, at least 1.
        capacity: frames that wait between two sections.
        live: drop at the entrance rather than make the source wait.
        deadline_s: age from which a frame is not worked on any more; None is never. Live alone.
    """

    frames_alive: int = 8
    capacity: int = 2
    live: bool = False
    deadline_s: float | None = None
