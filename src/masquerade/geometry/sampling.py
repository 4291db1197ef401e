"""Reading pictures between their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["blur", "reduce", "reduce_part", "sample"]

Sample = TypeVar("Sample", np.uint8, np.float32)
_ONE_MAP: Any = None


def sample(picture: NDArray[Sample], at: NDArray[np.float32]) -> NDArray[Sample]:
    """A picture's values at given places, bilinear; its border reaches on for ever.

    Args:
        picture: (H, W) or (H, W, C).
        at: float32 (h, w, 2), x and y in pixels, pixel centres at whole numbers.

    Returns:
        (h, w) or (h, w, C) of the picture's type.
    """
    read = cv2.remap(picture, at, _ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, picture.dtype)


def blur(picture: NDArray[Sample], sigma_px: float, reach: float = 3.0) -> NDArray[Sample]:
    """A Gaussian blur whose kernel ends at ``reach`` sigmas; the border reaches on."""
    size = 2 * int(np.ceil(reach * sigma_px)) + 1
    soft = cv2.GaussianBlur(picture, (size, size), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft, picture.dtype)


def reduce(picture: NDArray[Sample], size_wh: tuple[int, int]) -> NDArray[Sample]:
    """A picture made smaller, each pixel the mean of what it covers."""
    return np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA), picture.dtype)


def reduce_part(
    picture: NDArray[np.uint8],
    box: tuple[int, int, int, int],
    matrix: NDArray[np.float64],
    factor: int,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of a picture in a box, ``factor`` times smaller, and the map that leads from it
    where ``matrix`` leads from the whole picture. A box of less than a pixel changes nothing.

    Args:
        picture: uint8 (H, W, 3).
        box: (x0, y0, x1, y1) pixels of the picture, half open; what is no multiple is cut off.
        matrix: (2, 3), from the picture to anywhere.
        factor: at least 1.
    """
    x0, y0, x1, y1 = box
    size_wh = (x1 - x0) // factor, (y1 - y0) // factor
    if min(size_wh) < 1:
        return picture, matrix
    part = picture[y0 : y0 + size_wh[1] * factor, x0 : x0 + size_wh[0] * factor]
    # A small pixel's centre lies in the middle of the pixels that it is the mean of.
    origin = np.array([x0, y0]) + (factor - 1) / 2
    shifted = matrix[:, :2] @ origin + matrix[:, 2]
    return reduce(part, size_wh), np.column_stack([matrix[:, :2] * factor, shifted])
