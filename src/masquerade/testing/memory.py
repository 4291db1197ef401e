"""Sources and sinks that live in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from masquerade.core.errors import OutputError
from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MemorySink", "MemorySource"]


class MemorySource(Closing):
    """A Source of given pictures.

    Args:
        pictures: uint8 (H, W, 3) BGR, all of one size, at least one.
        rate: frames per second.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], *, rate: int | Fraction = 25) -> None:
        self._pictures = list(pictures)
        self._rate = Fraction(rate)
        self._closed = False

    @property
    def info(self) -> SourceInfo:
        """Size, rate and length."""
        height, width = self._pictures[0].shape[:2]
        count = len(self._pictures)
        return SourceInfo((width, height), count, self._rate, float(count / self._rate))

    def __iter__(self) -> Iterator[Frame]:
        for seq, pixels in enumerate(self._pictures):
            if self._closed:
                return
            yield Frame(pixels, seq, seq, 1 / self._rate)

    def close(self) -> None:
        """Stop the iteration; may be called twice."""
        self._closed = True


class MemorySink:
    """A Sink that keeps what it is given.

    Args:
        fail_at: number of the frame at which the disk is full; None never.

    Attributes:
        frames: what has been committed; empty before.
        state: open, committed or aborted.
    """

    def __init__(self, *, fail_at: int | None = None) -> None:
        self.frames: list[Frame] = []
        self.state: Literal["open", "committed", "aborted"] = "open"
        self._begun: list[Frame] = []
        self._fail_at = fail_at

    def write(self, frame: Frame) -> None:
        """Take one frame.

        Raises:
            OutputError: the frame is ``fail_at``, or the sink was committed or aborted.
        """
        if self.state != "open":
            raise OutputError(f"The sink is {self.state}; open a new one.")
        if frame.seq == self._fail_at:
            raise OutputError("No space is left; free some and try again.")
        self._begun.append(frame)

    def commit(self) -> None:
        """Make the frames appear."""
        self.frames, self._begun = self._begun, []
        self.state = "committed"

    def abort(self) -> None:
        """Drop what was begun; does nothing after commit."""
        if self.state == "open":
            self._begun = []
            self.state = "aborted"
