"""Reading pictures between their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["blur", "reduce", "sample"]

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
