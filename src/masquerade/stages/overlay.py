"""How a patch is laid over a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
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
    # blendLinear rounds to the nearest value, so weights of 0 and 1 are exact.
    weight = patch.mask.astype(np.float32) / np.float32(255)
    region[:] = cv2.blendLinear(patch.pixels, region, weight, 1 - weight)
