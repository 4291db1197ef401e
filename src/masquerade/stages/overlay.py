"""How a patch is laid over a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import Patch

__all__ = ["blend"]


def blend(picture: NDArray[np.uint8], patch: Patch) -> None:
    """Draw a patch into a picture in place; where its mask is 0 no bit changes.

    Args:
        picture: uint8 (H, W, 3) BGR.
        patch: its box must lie within the picture.
    """
    x0, y0, x1, y1 = patch.box
    region = picture[y0:y1, x0:x1]
    if not cv2.countNonZero(cv2.inRange(patch.mask, 1, 254)):
        cv2.copyTo(patch.pixels, patch.mask, region)
        return
    # Both products are rounded to the nearest whole number, so weights of 0 and 255 are exact,
    # equal pixels stay equal, and nothing is off by more than 1. Floats take three times as long.
    weight = cv2.merge([patch.mask] * 3)
    drawn = cv2.multiply(patch.pixels, weight, scale=1 / 255)
    kept = cv2.multiply(region, cv2.bitwise_not(weight), scale=1 / 255)
    cv2.add(drawn, kept, region)
