"""What a sink wants of the frames as they were read, kept while they are on their way."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["Originals"]

_T = TypeVar("_T")


class Originals(Generic[_T]):
    """Originals of the frames between a source and its sink, by the frames' ``seq``.

    Nothing is kept until a sink has said that it will :meth:`take` them. Taking one forgets all
    before it, so that no more are held than frames are on their way. Source and sink may run in
    different threads.
    """

    def __init__(self) -> None:
        self._items: dict[int, _T] = {}
        self._wanted = False
        self._lock = threading.Lock()

    def want(self) -> None:
        """Begin to keep; called by a sink before the first frame is read."""
        self._wanted = True

    def put(self, seq: int, item: _T) -> None:
        """Keep the original of frame ``seq``, if somebody wants it."""
        if self._wanted:
            with self._lock:
                self._items[seq] = item

    def take(self, seq: int) -> _T | None:
        """The original of frame ``seq``, once; None where there is none."""
        with self._lock:
            for older in [key for key in self._items if key < seq]:
                del self._items[older]
            return self._items.pop(seq, None)

    def clear(self) -> None:
        """Forget everything and keep nothing more."""
        with self._lock:
            self._wanted = False
            self._items.clear()
