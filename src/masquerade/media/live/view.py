"""Crop, turn, mirror and scale the pictures of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.live.options import SourceOptions

__all__ = ["View", "fitted"]

_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


class View:
    """What is seen of a source; all its pictures have the same size.

    Args:
        options: what is asked for; where no size is, the first picture decides.
        cropped: the source was told to crop by itself.

    Attributes:
        size_wh: width and height of all pictures; None until the first.
    """

    def __init__(self, options: SourceOptions, *, cropped: bool = False) -> None:
        self._crop = None if cropped else options.crop
        self._rotate, self._mirror = options.rotate, options.mirror
        self.size_wh = options.size_wh

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view of a picture.

        Args:
            pixels: uint8 (H, W, 3) BGR.

        Returns:
            uint8 (h, w, 3) BGR, C-contiguous; ``pixels`` itself where nothing is to be done.

        Raises:
            SettingsError: the crop lies outside the picture.
        """
        if self._crop is not None:
            pixels = _cropped(pixels, self._crop)
        if self._rotate:
            pixels = np.asarray(cv2.rotate(pixels, _TURNS[self._rotate]), np.uint8)
        if self._mirror:
            pixels = np.asarray(cv2.flip(pixels, 1), np.uint8)
        if self.size_wh is None:
            self.size_wh = pixels.shape[1], pixels.shape[0]
        return np.ascontiguousarray(fitted(pixels, self.size_wh))


def _cropped(pixels: NDArray[np.uint8], crop: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    x, y, width, height = crop
    if y + height > pixels.shape[0] or x + width > pixels.shape[1]:
        raise SettingsError(
            f"crop {x},{y},{width},{height} lies outside the picture of "
            f"{pixels.shape[1]}x{pixels.shape[0]}; choose a smaller region."
        )
    return pixels[y : y + height, x : x + width]


def fitted(pixels: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture scaled into a size, with black bars where the shape differs.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        size_wh: width and height of the result.

    Returns:
        uint8 (size_wh[1], size_wh[0], 3); ``pixels`` itself where it has the size already.
    """
    height, width = pixels.shape[:2]
    if (width, height) == size_wh:
        return pixels
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    # A shape that differs by a pixel of rounding is no reason for bars.
    inner = (
        size_wh[0] if abs(inner[0] - size_wh[0]) <= 1 else inner[0],
        size_wh[1] if abs(inner[1] - size_wh[1]) <= 1 else inner[1],
    )
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(pixels, inner, interpolation=how), np.uint8)
    if inner == size_wh:
        return scaled
    canvas = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    left, top = (size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas
