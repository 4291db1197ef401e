"""How a carried face follows the light and the folds of the frame it is drawn on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.sampling import blur, reduce

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gain"]

_LIGHT_SIGMA = 0.06
"""Width of what counts as light, as a share of the picture's width."""
_COARSER = 3
"""Light is smooth: it is worked out on cells so much larger."""
_BLACK = 2.0
"""Added to both sides of the light's ratio, so that black has none."""
_FOLDS = 0.4
"""How much of the smaller changes in lightness, such as folds, is followed."""
_FOLD_RANGE = (0.78, 1.28)
_FOLD_SIGMA = 1.0
_FOLD_BLACK = 6.0
_RANGE = (0.2, 4.0)


def gain(
    now: NDArray[np.float32], then: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What a face of a key frame is multiplied by, so that its light becomes that of this frame.

    Args:
        now: float32 (h, w, 3) BGR 0..255, the frame.
        then: float32 (h, w, 3), what the key frame showed on the same spots of the face.
        weight: float32 (h, w) 0..1, where both show the face.

    Returns:
        float32 (h, w, 3).
    """
    light = _light_ratio(now, then, weight)
    grey_now, grey_then = (
        blur(np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.float32), _FOLD_SIGMA, 2.0)
        for part in (now, then)
    )
    lightness = np.asarray(cv2.cvtColor(light, cv2.COLOR_BGR2GRAY), np.float32)
    folds = (grey_now + _FOLD_BLACK) / ((grey_then + _FOLD_BLACK) * lightness)
    folds = 1 + _FOLDS * weight * (np.clip(folds, *_FOLD_RANGE) - 1)
    return np.asarray(np.clip(light * folds[..., None], *_RANGE), np.float32)


def _light_ratio(
    now: NDArray[np.float32], then: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    height, width = weight.shape
    size_wh = max(2, width // _COARSER), max(2, height // _COARSER)
    trust = weight[..., None] + np.float32(1e-4)
    sigma = _LIGHT_SIGMA * size_wh[0]
    lit, unlit = (blur(reduce(part * trust, size_wh), sigma) for part in (now, then))
    total = blur(reduce(trust[..., 0], size_wh), sigma)[..., None]
    ratio = (lit + _BLACK * total) / (unlit + _BLACK * total)
    return np.asarray(cv2.resize(ratio, (width, height)), np.float32)
