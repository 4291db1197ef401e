"""Pictures of any size, brought to the one size that an output has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.media.colorimetry import BgrWriter, ColorTags

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

__all__ = ["Canvas", "letterboxed"]


def letterboxed(pixels: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """``pixels`` scaled to fit into a black picture of ``size_wh``, aspect kept, centred.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        size_wh: width and height of the result.

    Returns:
        uint8 (height, width, 3) BGR; ``pixels`` itself where it has the size already.
    """
    width, height = size_wh
    high, wide = pixels.shape[:2]
    if (wide, high) == size_wh:
        return pixels
    scale = min(width / wide, height / high)
    inner = max(1, round(wide * scale)), max(1, round(high * scale))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(pixels, inner, interpolation=smooth)
    result: NDArray[np.uint8] = np.zeros((height, width, 3), np.uint8)
    x, y = (width - inner[0]) // 2, (height - inner[1]) // 2
    result[y : y + inner[1], x : x + inner[0]] = scaled
    return result


class Canvas:
    """Turns BGR pictures into 4:2:0 frames of one size, whatever size they come in.

    4:2:0 needs even sides: of an odd one the last row or column is left out. A picture that is
    not of the announced size (a stream may change it) is fitted in, with black bars.

    Args:
        size_wh: the announced size.

    Attributes:
        size_wh: the size of the frames that are made.
        tags: their colour tags.
        notices: whether a row or a column is left out.
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        width, height = size_wh
        self._announced = size_wh
        self.size_wh = max(2, width - width % 2), max(2, height - height % 2)
        self.tags = ColorTags.for_size(*self.size_wh)
        self._writer = BgrWriter(self.tags, "yuv420p")
        odd = [name for name, side in (("column", width), ("row", height)) if side % 2]
        self.notices: tuple[str, ...] = ()
        if odd:
            self.notices = (
                f"The picture is {width}x{height} and is sent as {self.size_wh[0]}x"
                f"{self.size_wh[1]}: the last {' and '.join(odd)} is cut off, as sides are even.",
            )

    def draw(self, pixels: NDArray[np.uint8]) -> av.VideoFrame:
        """A frame in yuv420p of ``size_wh``; ``pixels``, uint8 (H, W, 3) BGR, is not kept."""
        width, height = self.size_wh
        if (pixels.shape[1], pixels.shape[0]) == self._announced and min(self._announced) > 1:
            pixels = pixels[:height, :width]
        frame = self._writer.write(letterboxed(pixels, self.size_wh))
        self.tags.mark(frame)
        return frame
