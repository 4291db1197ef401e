"""Times of a live stream: microseconds from its first frame on, and the sender's own clock."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["MICROSECONDS", "Rhythm", "SenderClock", "StreamClock"]

MICROSECONDS = Fraction(1, 1_000_000)
_JUMP_S, _BURST_S = 0.5, 2.0
_DRIFT = 0.001


class StreamClock:
    """Gives frames their ``pts``.

    Attributes:
        origin_s: the moment of pts 0, seconds of ``time.perf_counter``; None before the first
            frame.
    """

    def __init__(self) -> None:
        self.origin_s: float | None = None
        self._last = -1

    def pts(self, captured_s: float) -> int:
        """Microseconds since the first frame; always more than the last time."""
        if self.origin_s is None:
            self.origin_s = captured_s
        self._last = max(self._last + 1, round((captured_s - self.origin_s) * 1_000_000))
        return self._last


class SenderClock:
    """Where the timestamps of a connection lie on the clock of this machine.

    Pictures set it, by the one that was least delayed; it may run slow or fast by a thousandth,
    and is set anew where it is off by more than half a second (a pause, a jump of the sender's
    timestamps). Sound of the same connection is placed by it.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._first_s: float | None = None
        self._last: tuple[float, float] | None = None

    def arrives(self, seconds: float | None, now_s: float) -> bool:
        """Take note of a picture that is shown as it comes.

        Returns:
            Whether it is an old one: after a connection is made, what was kept for it comes in a
            burst, which is over when the present is reached.
        """
        if seconds is None:
            return False
        offset_s, last = now_s - seconds, self._last
        self._last = (seconds, now_s)
        if self._first_s is None or last is None or self._offset_s is None:
            self._first_s, self._offset_s = now_s, offset_s
            return False
        passed_s = now_s - last[1]
        if offset_s > self._offset_s + _JUMP_S:
            self._offset_s = offset_s
        else:
            self._offset_s = min(offset_s, self._offset_s + _DRIFT * passed_s)
        return now_s - self._first_s < _BURST_S and passed_s < (seconds - last[0]) / 2

    def wait_s(self, seconds: float | None, now_s: float) -> float:
        """How long it is until a recorded picture is due; sets the clock where it is late."""
        if seconds is None:
            return 0.0
        if self._offset_s is None or self._offset_s + seconds < now_s - _JUMP_S:
            self._offset_s = now_s - seconds
        return max(0.0, self._offset_s + seconds - now_s)

    def sound_moment(self, seconds: float) -> float | None:
        """When sound with this timestamp was due; None before the first picture."""
        return None if self._offset_s is None else self._offset_s + seconds


class Rhythm:
    """Thins out what comes faster than a rate."""

    def __init__(self, rate: Fraction | None) -> None:
        self._step_s = None if rate is None else float(1 / rate)
        self._due_s: float | None = None

    def skips(self, captured_s: float) -> bool:
        """Whether the picture of this moment is one too many."""
        if self._step_s is None:
            return False
        if self._due_s is None or captured_s > self._due_s + self._step_s:
            self._due_s = captured_s
        if captured_s < self._due_s - self._step_s / 4:
            return True
        self._due_s += self._step_s
        return False
