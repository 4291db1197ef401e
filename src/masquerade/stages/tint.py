"""The colours of a donor's texture made fit to be lit anew.

The renderer multiplies the donor by ratios of low-pass light. So one-sided light, noise in a weak
channel and hueless shadows would be multiplied too, and are softened once, here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.stages.regions import region_mask
from masquerade.stages.texels import (
    SEEN_PX,
    blur,
    blur_within,
    enlarge,
    shrink,
    smoothstep,
    to_bytes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["calm_colour", "even_light", "warm_shadows"]

_LIGHTNESS = np.array([0.114, 0.587, 0.299], np.float32)
"""Of blue, green and red, ITU-R BT.601."""
_HUE_SIGMA = 0.04
"""In atlas widths: the surroundings whose hue a shadow takes."""


def even_light(texture: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Draw the light of both sides together: 0 leaves it, 1 makes the low frequencies symmetric.

    Args:
        texture: uint8 (1024, 1024, 3) BGR, filled.
        amount: 0..1.
    """
    low = blur_within(shrink(texture), region_mask("face", SEEN_PX), 0.07 * SEEN_PX) + 4.0
    gain = np.clip((low[:, ::-1] / low) ** (amount / 2), 0.5, 2.0)
    return to_bytes(texture * enlarge(gain))


def calm_colour(texture: NDArray[np.uint8], density: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Hue smoothed over about two photo pixels, lightness left alone.

    The renderer lights the donor by ratios, so noise of a weak channel (blue, in a yellow
    painting) would be multiplied into specks.

    Args:
        texture: uint8 (1024, 1024, 3) BGR.
        density: float32 (256, 256), photo pixels per texel.
    """
    sigma = float(np.clip(2.0 / max(float(np.median(density)), 0.05), 1.5, 16.0))
    small = cv2.resize(texture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) + np.float32(2)
    # Bright pixels know their hue best, so they count by their lightness.
    hue = blur(small, sigma / 2) / blur(small @ _LIGHTNESS, sigma / 2)[..., None]
    calm = enlarge(hue) * ((texture + np.float32(2)) @ _LIGHTNESS)[..., None] - 2
    features = enlarge(_eyes_and_lips())[..., None]
    return to_bytes(calm + features * (texture - calm))


def warm_shadows(texture: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Give deep shadows and brows the hue of the skin around them, lightness left alone.

    What is nearly black has no hue of its own; lit by a ratio that lifts one channel (a pale
    target, a yellow donor) it would turn blue.

    Args:
        texture: uint8 (1024, 1024, 3) BGR, filled.
        amount: 0..1.
    """
    small = shrink(texture) + 2
    light = small @ _LIGHTNESS
    skin = np.asarray((1 - _eyes_and_lips()) * region_mask("face", SEEN_PX), np.float32)
    wide = blur_within(small, skin, _HUE_SIGMA * SEEN_PX) + 1
    wide_light = wide @ _LIGHTNESS
    share = amount * skin * (1 - smoothstep(light / wide_light, 0.35, 0.85))
    tint = wide / wide_light[..., None] * light[..., None] / small
    return to_bytes((texture + np.float32(2)) * enlarge(1 + share[..., None] * (tint - 1)) - 2)


@functools.cache
def _eyes_and_lips() -> NDArray[np.float32]:
    parts = [region_mask(name, SEEN_PX, 0.008, 0.006) for name in ("eyes", "lips")]
    return np.asarray(np.maximum(*parts), np.float32)
