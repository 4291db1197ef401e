"""When each finished frame of a live stream leaves, so that motion is as steady as at the camera.

Frames are captured at a steady rate and finished at odd times. Each leaves a set delay after its
own capture: the delay is the time within which nearly all frames are finished, learned from them,
as the playout delay of a voice call is. A capture time itself trembles by what the reading thread
was late, so the times are smoothed by a clock that ticks at the source's period and is pulled
towards them.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Pacer"]

_PULL = 0.1  # share of a capture time's deviation that the clock follows
_PERIOD_PULL = 0.02
_OFF_PERIODS = 0.75  # a deviation from which the clock is wrong, not the capture: it starts anew
_REMEMBERED = 64  # frames that the delay is learned from
_IN_TIME = 0.95  # share of them that it is long enough for
_FIRST = 8  # frames until then: the first ones take longer than any after them
_RISE, _FALL = 0.1, 0.02  # how far the delay may change from frame to frame, in periods
_FALL_SHARE = 0.04  # ... and down by this share of what it is too long, where that is more


class Pacer:
    """The schedule of one stream. Not for several threads.

    Args:
        period_s: seconds between two frames of the source, if known.

    >>> pacer = Pacer(0.04)
    >>> [round(pacer.due_s(k, k * 0.04, k * 0.04 + 0.01), 2) for k in range(3)]
    [0.01, 0.05, 0.09]
    """

    def __init__(self, period_s: float | None) -> None:
        self._period_s = period_s or 0.0
        self._seq: int | None = None
        self._tick_s = self._captured_s = 0.0
        self._delay_s = 0.0
        self._took_s: deque[float] = deque(maxlen=_REMEMBERED)

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
        self._took_s.append(ready_s - self._tick_s)
        self._learn()
        return self._tick_s + self._delay_s

    def _learn(self) -> None:
        """Bring the delay nearer to what nearly all of the last frames took."""
        took_s = sorted(self._took_s)
        count = len(took_s)
        if count <= _FIRST:
            self._delay_s = took_s[count // 2]
            return
        off_s = took_s[int(_IN_TIME * count)] - self._delay_s
        most_down_s = max(_FALL * self._period_s, -_FALL_SHARE * off_s)
        self._delay_s += min(max(off_s, -most_down_s), _RISE * self._period_s)

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
