"""OpenCV's own threads while a line is at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

__all__ = ["ONE_OPENCV_THREAD"]


class _OneOpenCvThread:
    """OpenCV's own pool fights the threads of the line for the cores, so it rests meanwhile.

    The setting is the process's, so runs that overlap share it and the last one restores it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._before = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block OpenCV works in the caller's thread alone."""
        with self._lock:
            if self._holders == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    cv2.setNumThreads(self._before)


ONE_OPENCV_THREAD = _OneOpenCvThread()
