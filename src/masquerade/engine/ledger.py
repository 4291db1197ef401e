"""What an engine can say of its work when an output is signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masquerade.pipeline.report import Tally

__all__ = ["Ledger"]


class Ledger:
    """Statements that go into the credentials of every output, and the latest work's figures.

    Attributes:
        statements: plain JSON objects by name, such as ``watermark``, ``consent``, ``content``.
            Whoever has something to state puts it here before the output is finished; it holds
            for all outputs until it is replaced.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.statements: dict[str, Mapping[str, Any]] = {}
        self._clock = clock
        self._tally: Tally | None = None
        self._began_s = 0.0

    def begin(self, tally: Tally, *, spent_s: float = 0.0) -> None:
        """A new piece of work begins, which is counted there; it has taken ``spent_s`` already."""
        self._tally, self._began_s = tally, self._clock() - spent_s

    def figures(self) -> dict[str, Any]:
        """Frames, faces and time of the latest work, empty before the first."""
        if self._tally is None:
            return {}
        seconds = self._clock() - self._began_s
        counts = self._tally.counts()
        fps = counts["frames"] / seconds if seconds > 0 else 0.0
        return {**counts, "seconds": round(seconds, 3), "fps": round(fps, 2)}
