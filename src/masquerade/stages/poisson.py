"""Seamless cloning of a patch: its gradients, with the picture's colours at the rim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.frame import Patch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["clone"]

_INSIDE = 128
"""Mask from which a pixel belongs to the face that is cloned."""
_RIM_PX = 2
"""Drawn around the box, so that a face at the frame's edge has something to meet there too."""
_LEAST_PX = 4
"""Side of the box of what is cloned below which there is nothing to solve."""


def clone(patch: Patch, picture: NDArray[np.uint8]) -> Patch:
    """The patch with its colours changed so that it meets the picture without a step.

    Worked out within the patch's box alone. A patch of a few pixels is returned as it is.

    Args:
        patch: its mask says what is cloned (from 128 up) and how softly the result is blended.
        picture: uint8 (H, W, 3) BGR, what surrounds it; it is not changed.

    Source: P. Perez, M. Gangnet, A. Blake, "Poisson image editing", SIGGRAPH 2003, as OpenCV's
    ``seamlessClone`` solves it.
    """
    x0, y0, x1, y1 = patch.box
    region = picture[y0:y1, x0:x1]
    inside = _rimmed(np.asarray(cv2.inRange(patch.mask, _INSIDE, 255), np.uint8))
    inside[:_RIM_PX] = inside[-_RIM_PX:] = inside[:, :_RIM_PX] = inside[:, -_RIM_PX:] = 0
    x, y, width, height = cv2.boundingRect(inside)
    if min(width, height) < _LEAST_PX:
        return patch
    # seamlessClone lays the middle of the mask's box where it is told to.
    middle = (x + width // 2, y + height // 2)
    around = _rimmed(region)
    cloned = cv2.seamlessClone(_rimmed(patch.pixels), around, inside, middle, cv2.NORMAL_CLONE)
    pixels = np.asarray(cloned, np.uint8)[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX]
    return Patch(patch.track_id, patch.box, np.ascontiguousarray(pixels), patch.mask)


def _rimmed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rims = (_RIM_PX,) * 4
    return np.asarray(cv2.copyMakeBorder(picture, *rims, cv2.BORDER_REPLICATE), np.uint8)
