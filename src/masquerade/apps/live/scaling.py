"""Frames as images of the size in which the window shows them.

OpenCV scales, not Qt: it is quicker (1080p from 720p: 3.2 ms of CPU against 5.6), and it lets go
of the interpreter lock, which Qt's painter holds, so the stages run meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.apps.live.screen import no_desktop

try:
    from PySide6.QtCore import QRect, QSize
    from PySide6.QtGui import QImage
except ImportError as error:
    raise no_desktop(error) from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ScaledImage", "fitted"]

_MUCH_SMALLER = 0.6  # below it, the mean of an area is needed where four neighbours would flicker


def fitted(picture: QSize, area: QSize) -> QRect:
    """The largest rectangle of the picture's shape in the middle of the area.

    >>> fitted(QSize(1280, 720), QSize(1000, 1000))
    PySide6.QtCore.QRect(0, 219, 1000, 562)
    """
    scale = min(area.width() / picture.width(), area.height() / picture.height())
    width = max(1, min(area.width(), round(picture.width() * scale)))
    height = max(1, min(area.height(), round(picture.height() * scale)))
    return QRect((area.width() - width) // 2, (area.height() - height) // 2, width, height)


class ScaledImage:
    """The image of the newest frame; it is made anew only when frame, size or side change."""

    def __init__(self) -> None:
        self._pixels: NDArray[np.uint8] | None = None
        self._shown: NDArray[np.uint8] | None = None  # the image has no copy of its own
        self._image = QImage()
        self._mirrored = False

    def of(self, pixels: NDArray[np.uint8], size: QSize, *, mirrored: bool) -> QImage:
        """The image of ``pixels``, uint8 (H, W, 3) BGR, with ``size`` in the screen's pixels.

        It lies over the array itself where that has the size, else over a scaled copy. It is good
        until the next call.
        """
        known = pixels is self._pixels and mirrored == self._mirrored
        if not known or self._image.size() != size:
            self._pixels, self._mirrored = pixels, mirrored
            shown = _scaled(pixels, size)
            if mirrored:
                shown = np.asarray(cv2.flip(shown, 1), np.uint8)
            height, width = shown.shape[:2]
            image = QImage(shown.data, width, height, 3 * width, QImage.Format.Format_BGR888)
            # The old image goes before its array does.
            self._image, self._shown = image, shown
        return self._image


def _scaled(pixels: NDArray[np.uint8], size: QSize) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if (width, height) == (size.width(), size.height()):
        return np.ascontiguousarray(pixels)
    much_smaller = size.width() < _MUCH_SMALLER * width
    kind = cv2.INTER_AREA if much_smaller else cv2.INTER_LINEAR
    scaled = cv2.resize(pixels, (size.width(), size.height()), interpolation=kind)
    return np.asarray(scaled, np.uint8)
