"""How far a transfer is: share, megabytes, speed, time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from masquerade.apps.console import ProgressLine, clock_time

if TYPE_CHECKING:
    from masquerade.models.download import Transferred

__all__ = ["TransferLine"]

_WINDOW_S = 10.0
"""Time over which the speed is taken."""


class TransferLine:
    """Shows a transfer on a progress line; call it with each :class:`Transferred`.

    Args:
        name: what is fetched.
        line: where it is shown.
        clock: seconds, monotonic; a test gives its own.
    """

    def __init__(
        self, name: str, line: ProgressLine, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._line = line
        self._clock = clock
        self._moments: deque[tuple[float, int]] = deque()

    @property
    def begun(self) -> bool:
        """Whether anything was transferred."""
        return bool(self._moments)

    def __call__(self, transferred: Transferred) -> None:
        """Take note, and show it if the last time was long enough ago."""
        now_s, done = self._clock(), transferred.done_bytes
        if self._moments and done < self._moments[-1][1]:
            self._moments.clear()  # begun anew
        self._moments.append((now_s, done))
        while len(self._moments) > 2 and now_s - self._moments[0][0] > _WINDOW_S:
            self._moments.popleft()
        self._line.show(lambda: self._text(transferred))

    def _text(self, transferred: Transferred) -> str:
        done, total = transferred.done_bytes, transferred.total_bytes
        (first_s, first), (last_s, last) = self._moments[0], self._moments[-1]
        speed = (last - first) / (last_s - first_s) if last_s > first_s else 0.0
        parts = [f"{done / 1e6:,.0f} MB", f"{speed / 1e6:.1f} MB/s"]
        if total:
            share = min(1.0, done / total)
            parts[0] = (
                f"{self._line.bar(share)}{share:4.0%}  {done / 1e6:,.0f}/{total / 1e6:,.0f} MB"
            )
            if speed > 0:
                parts.append(f"{clock_time(max(0, total - done) / speed)} left")
        return f"{self._name}  " + "  ".join(parts)
