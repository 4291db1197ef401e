"""A sink that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.core.lifetimes import Committing

if TYPE_CHECKING:
    from masquerade.core.frame import Frame

__all__ = ["NullSink"]


class NullSink(Committing):
    """Counts frames and forgets them; for measuring.

    Attributes:
        frames: how many were written.
        notices: none.
        status: empty.
    """

    notices: tuple[str, ...] = ()
    status = ""

    def __init__(self) -> None:
        self.frames = 0

    def write(self, frame: Frame) -> None:  # noqa: ARG002 - the frame is forgotten
        """Count."""
        self.frames += 1

    def commit(self) -> None:
        """Nothing is kept."""

    def abort(self) -> None:
        """Nothing is kept."""
