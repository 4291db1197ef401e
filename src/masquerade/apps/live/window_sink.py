"""The preview's end of the stream: keeps the newest frame and tells the window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame

__all__ = ["Shown", "WindowSink"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of the preview.

    Attributes:
        frame: finished, with its label.
        original: the same before the swap, uint8 (H, W, 3) BGR.
    """

    frame: Frame
    original: NDArray[np.uint8]


class WindowSink:
    """A sink with one place: the newest frame takes it, and writing never waits.

    Where no window is opened it still keeps the newest frame, for snapshots.
    """

    wants_original = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._told = False
        self._tell: Callable[[], None] | None = None

    def write(self, frame: Frame) -> None:
        """Take a finished frame of which the original is not known."""
        self.write_beside(frame, frame.pixels)

    def write_beside(self, frame: Frame, original: NDArray[np.uint8]) -> None:
        """Take a finished frame and its original; both are kept as they are, not copied."""
        with self._lock:
            self._shown = Shown(frame, original)
            if self._tell is not None and not self._told:
                self._told = True
                self._tell()

    def commit(self) -> None:
        """Nothing is to be finished; the last frame stays."""

    def abort(self) -> None:
        """Nothing is to be removed; the last frame stays."""

    @property
    def newest(self) -> Frame | None:
        """The newest finished frame; None before the first."""
        shown = self._shown
        return None if shown is None else shown.frame

    def take(self) -> Shown | None:
        """The newest picture; the next one that comes is told of again."""
        with self._lock:
            self._told = False
            return self._shown

    def tell(self, window: Callable[[], None] | None) -> None:
        """Call ``window`` when a frame has come, once until it was taken; now, if one is there.

        Args:
            window: called in the sink's thread, with the sink locked: it must be quick, and must
                not call back. None tells nobody, from the moment this returns.
        """
        with self._lock:
            self._tell, self._told = window, False
            if window is not None and self._shown is not None:
                self._told = True
                window()
