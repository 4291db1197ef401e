"""When each finished frame of a live stream leaves, so that motion is as steady as at the camera.

Frames are captured at a steady rate and finished at odd times. Each leaves a set delay after its
own capture: the delay is the time within which nearly all frames are finished, learned from them,
as the playout delay of a voice call is. A capture time itself trembles by what the reading thread
was late, so the times are smoothed by a clock that ticks at the source's period and is pulled
towards them.
"""

from __future__ import annotations

__all__ = ["Pacer"]

_PULL = 0.1  # share of a capture time's deviation that the clock follows
_PERIOD_PULL = 0.02
_OFF_PERIODS = 0.75  # a deviation from which the clock is wrong, not the capture: it starts anew
_LATE_SHARE = 0.04  # share of frames that the delay may be too short for
_RISE = 0.1  # how far the delay rises for a late frame, in periods


class Pacer:
    """The schedule of one stream. Not for several threads.

    Args:
        period_s: seconds between two frames of the source, if known.
        most_periods: how much longer than usual a frame may take to be waited for, in periods.

    >>> pacer = Pacer(0.04)
    >>> [round(pacer.due_s(k, k * 0.04, k * 0.04 + 0.01), 2) for k in range(3)]
    [0.01, 0.05, 0.09]
    """

    def __init__(self, period_s: float | None, *, most_periods: float = 1.5) -> None:
        self._period_s = period_s or 0.0
        self._most_periods = most_periods
        self._seq: int | None = None
        self._tick_s = self._captured_s = 0.0
        self._delay_s = self._usual_s = 0.0

    @property
    def period_s(self) -> float:
        """Seconds between two frames of the source, as told or learned; 0 while unknown."""
        return self._period_s

    @property
    def delay_s(self) -> float:
        """Seconds between a frame's capture and its leaving, as planned now."""
        return self._delay_s

    def due_s(self, seq: int, captured_s: float, ready_s: float) -> float:
        """When the frame should leave; a time before ``ready_s`` means that it is late.

        Args:
            seq: the frame's number at the source, rising.
            captured_s: when it was captured.
            ready_s: when it was finished, by the same clock.
        """
        self._advance(seq, captured_s)
        took_s = ready_s - self._tick_s
        if self._delay_s == 0.0:
            self._delay_s = self._usual_s = took_s
        step_s = _RISE * self._period_s
        self._usual_s += step_s if took_s > self._usual_s else -step_s  # follows the median
        if took_s > self._delay_s:
            # A frame that is late by far raises the delay at once, half of the way.
            self._delay_s += max(step_s, 0.5 * (took_s - self._delay_s))
        else:
            self._delay_s -= step_s * _LATE_SHARE
        most_s = self._usual_s + self._most_periods * self._period_s
        self._delay_s = min(self._delay_s, most_s) if self._period_s else self._delay_s
        return self._tick_s + self._delay_s

    def _advance(self, seq: int, captured_s: float) -> None:
        """Move the clock to this frame."""
        if self._seq is None:
            self._tick_s = captured_s
        else:
            count = max(1, seq - self._seq)
            measured_s = (captured_s - self._captured_s) / count
            if self._period_s == 0.0:
                self._period_s = measured_s
            elif 0.5 < measured_s / self._period_s < 2:
                self._period_s += _PERIOD_PULL * (measured_s - self._period_s)
            self._tick_s += count * self._period_s
            off_s = captured_s - self._tick_s
            if abs(off_s) > _OFF_PERIODS * self._period_s:
                self._tick_s = captured_s
            else:
                self._tick_s += _PULL * off_s
        self._seq, self._captured_s = seq, captured_s
