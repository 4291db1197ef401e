"""Whether networks keep up with a live stream, so that every face of it can be drawn by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.core.frame import Frame

__all__ = ["Pace"]

_BEGIN, _END = 0.8, 0.95
"""Share of the time between two frames that the networks' slowest step may take: below the first
they begin to draw every frame, above the second they end it."""
_RECENT = 0.1


class Pace:
    """Holds the networks' pace against that of the stream.

    Attributes:
        keeps_up: the verdict of the last call.
    """

    def __init__(self) -> None:
        self.keeps_up = False
        self._last: tuple[int, float] | None = None
        self._period_s = 0.0

    def observe(self, frame: Frame, pace_s: float) -> bool:
        """Take note of the next frame.

        Args:
            frame: a live one. The source numbers its frames, so those that were dropped count.
            pace_s: seconds that the networks need for a frame; 0 where that is not known yet.

        Returns:
            Whether they can draw every one.
        """
        assert frame.captured_s is not None
        if self._last is not None and frame.seq > self._last[0]:
            seq, captured_s = self._last
            period_s = (frame.captured_s - captured_s) / (frame.seq - seq)
            share = _RECENT if self._period_s else 1.0
            self._period_s += share * (period_s - self._period_s)
        self._last = (frame.seq, frame.captured_s)
        most_s = self._period_s * (_END if self.keeps_up else _BEGIN)
        self.keeps_up = 0 < pace_s < most_s
        return self.keeps_up
