"""Whether a donor photo shows teeth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import INNER_LIPS
from masquerade.stages.neutral import expression_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["teeth_shown"]

_OPEN_FROM_CM, _OPEN_AT_CM = 0.1, 0.45


def teeth_shown(pixels: NDArray[np.uint8], points: NDArray[np.float32]) -> float:
    """0 with closed lips or a dark mouth, 1 where teeth fill an open one.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        points: float32 (468 or more, 3) in its pixels.
    """
    gap_cm, _ = expression_of(points)
    opening = float(np.clip((gap_cm - _OPEN_FROM_CM) / (_OPEN_AT_CM - _OPEN_FROM_CM), 0, 1))
    if opening == 0:
        return 0.0
    mouth = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(mouth, [np.round(points[INNER_LIPS, :2] * 16).astype(np.int32)], 1, shift=4)
    inside = pixels[mouth > 0]
    if not len(inside):
        return 0.0
    cheek = np.round(points[[50, 280], :2]).astype(int)
    cheek = np.clip(cheek, 0, [pixels.shape[1] - 1, pixels.shape[0] - 1])
    skin = pixels[cheek[:, 1], cheek[:, 0]].astype(np.float32).mean(0)
    # Teeth are about as light as the cheeks and less red than they are.
    light = inside.astype(np.float32).mean(1) > 0.6 * skin.mean()
    red = (inside[:, 2] - inside[:, 0].astype(np.float32)) < 0.9 * (skin[2] - skin[0]) + 12
    return opening * float(np.clip((light & red).mean() / 0.6, 0, 1))
