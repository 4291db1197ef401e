"""The time of a stream, told by its own frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.core.frame import Frame

__all__ = ["FrameClock"]

_UNTIMED_S = 1 / 25


class FrameClock:
    """Counts seconds by the frames' time stamps, so that a slow machine changes nothing.

    A frame without a time stamp, or with one that does not rise, counts as 1/25 s.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew at 0."""
        self._now_s = 0.0
        self._last_s: float | None = None

    def tick(self, frame: Frame) -> float:
        """Take note of the next frame; returns its time in seconds since the first one."""
        stamp_s = None if frame.pts is None else frame.seconds
        if self._last_s is not None and stamp_s is not None and stamp_s > self._last_s:
            self._now_s += stamp_s - self._last_s
        else:
            self._now_s += _UNTIMED_S
        self._last_s = stamp_s
        return self._now_s
