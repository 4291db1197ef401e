"""Times of a live stream: microseconds from its first frame on, and the sender's own clock."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["MICROSECONDS", "Rhythm", "SenderClock", "StreamClock"]

MICROSECONDS = Fraction(1, 1_000_000)
_JUMP_S = 0.5


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

    Pictures set it; it stays as it is until the two differ by more than half a second (a pause,
    a jump of the sender's timestamps). Sound of the same connection is placed by it.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None

    def moment(self, seconds: float | None, now_s: float) -> float:
        """When a picture with this timestamp was due; sets the clock where need be."""
        if seconds is None:
            return now_s
        if self._offset_s is None or abs(self._offset_s + seconds - now_s) > _JUMP_S:
            self._offset_s = now_s - seconds
        return self._offset_s + seconds

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
