"""Memory of pictures that were shown, used again for the next ones."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FramePool"]

_MOST_KEPT = 8


class FramePool:
    """Copies pictures into memory that comes back by itself.

    A copy's memory returns to the pool once nobody holds the array or a view of it any more: at
    the very moment at which it would have been freed, so nobody can be surprised. A stream then
    lives on a few buffers from its first second on. May be used from several threads.
    """

    def __init__(self) -> None:
        self._free: deque[bytearray] = deque(maxlen=_MOST_KEPT)
        self.made = 0
        """Buffers that had to be made so far."""

    def copy(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A C-contiguous copy of uint8 (H, W, 3), or of any other shape."""
        buffer = self._take(pixels.nbytes)
        copied = np.ndarray(pixels.shape, np.uint8, buffer)
        # Views of the copy hold the copy, whose own base is no array.
        weakref.finalize(copied, self._free.append, buffer).atexit = False
        np.copyto(copied, pixels)
        return copied

    def _take(self, size_bytes: int) -> bytearray:
        while True:
            try:
                buffer = self._free.popleft()
            except IndexError:
                self.made += 1
                return bytearray(size_bytes)
            if len(buffer) == size_bytes:  # others are of a stream of another size
                return buffer
