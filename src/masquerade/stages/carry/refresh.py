"""Which faces need a new key frame, the neediest first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from masquerade.stages.carry.look import Look

__all__ = ["Need", "Refresh"]

_EXPRESSION = 0.025
_TURN_DEG = 7.0
_SIZE = 0.18
_LIGHT = 0.15
_OPENING = 0.07
"""Changes each of which alone makes a new key frame due."""
_BLINK, _BLINK_S = 0.035, 1.5
"""How far an eye may be shut, and the age from which a key frame is replaced all the same: the mesh
can shut eyes that were open, but not open eyes that were shut."""
_REST_S = 4.0
"""Age at which a face that has not changed gets one all the same."""
_RETRY_S, _LONGEST_RETRY_S = 0.5, 16.0
"""Wait after a failure; it doubles with each further one."""


@dataclass(frozen=True, slots=True)
class Need:
    """One face that is shown now.

    Attributes:
        now: how it looks.
        key: how it looked in the frame of its newest key frame, or of the one that is being made;
            None where there is none.
        age_s: how old that frame is.
        age_frames: the same in frames.
    """

    now: Look
    key: Look | None = None
    age_s: float = 0.0
    age_frames: int = 0


class Refresh:
    """Says which faces are due. Remembers only who has failed.

    Args:
        rule: ``every`` frame; a number N, every N frames; ``auto``, when a face has changed
            (expression, pose, size, light) or its key frame is some seconds old, but not in
            the middle of a blink.
    """

    def __init__(self, rule: str) -> None:
        self._failures: dict[int, tuple[int, float]] = {}
        self.configure(rule)

    def configure(self, rule: str) -> None:
        """Go by another rule from now on."""
        self.rule = rule
        self._frames = 1 if rule == "every" else None if rule == "auto" else int(rule)

    @property
    def every_frame(self) -> bool:
        """Whether nothing is carried at all."""
        return self.rule == "every"

    def due(self, needs: Mapping[int, Need], now_s: float) -> list[int]:
        """Track numbers of the faces that need a new key frame, the neediest first.

        Args:
            needs: the faces that are shown, by track number.
            now_s: the stream's time.
        """
        urgency = {
            track_id: self._urgency(need)
            for track_id, need in needs.items()
            if not self._waits(track_id, now_s)
        }
        due = [track_id for track_id, value in urgency.items() if value >= 1]
        return sorted(due, key=lambda track_id: (-urgency[track_id], track_id))

    def failed(self, track_id: int, now_s: float) -> None:
        """A key frame could not be made: the next one is asked for later, and later each time."""
        times = self._failures.get(track_id, (0, 0.0))[0] + 1
        wait_s = min(_RETRY_S * 2 ** min(times - 1, 10), _LONGEST_RETRY_S)
        self._failures[track_id] = (times, now_s + wait_s)

    def succeeded(self, track_id: int) -> None:
        """A key frame was made: earlier failures count no more."""
        self._failures.pop(track_id, None)

    def forget(self) -> None:
        """Forget who has failed."""
        self._failures.clear()

    def _waits(self, track_id: int, now_s: float) -> bool:
        return track_id in self._failures and now_s < self._failures[track_id][1]

    def _urgency(self, need: Need) -> float:
        """From 1 on a key frame is due; infinite where there is none."""
        if need.key is None:
            return math.inf
        if self._frames is not None:
            return need.age_frames / self._frames
        change = need.now.change_since(need.key)
        if change.shut > _BLINK and need.age_s < _BLINK_S:
            return 0.0
        parts = (
            change.expression / _EXPRESSION,
            change.turn_deg / _TURN_DEG,
            change.size / _SIZE,
            change.light / _LIGHT,
            change.opening / _OPENING,
        )
        return math.hypot(*parts) + need.age_s / _REST_S
