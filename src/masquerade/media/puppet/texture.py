"""The picture on a head's triangles: the portrait, with a painted mouth below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet.portrait import Portrait

__all__ = ["head_texture"]

_MOUTH_WH = (128, 64)


def head_texture(portrait: Portrait) -> NDArray[np.uint8]:
    """The portrait with its matte as alpha and a painted mouth below, uint8 (H, W, 4)."""
    height, width = portrait.pixels.shape[:2]
    sure = (portrait.matte.astype(np.float32) / 255) ** 6
    spread = 0.02 * portrait.face_px
    colour = cv2.GaussianBlur(portrait.pixels * sure[..., None], (0, 0), spread)
    weight = cv2.GaussianBlur(sure, (0, 0), spread)[..., None]
    filled = colour / np.maximum(weight, 1e-4)
    keep = np.maximum(sure[..., None], weight < 1e-3)
    person = portrait.pixels * keep + filled * (1 - keep)
    texture = np.zeros((height + _MOUTH_WH[1], max(width, _MOUTH_WH[0]), 4))
    texture[:height, :width, :3] = person
    texture[:height, :width, 3] = portrait.matte
    texture[height:, : _MOUTH_WH[0], :3] = _mouth_picture(_skin_bgr(portrait))
    texture[height:, : _MOUTH_WH[0], 3] = 255
    return np.clip(texture + 0.5, 0, 255).astype(np.uint8)


def _skin_bgr(portrait: Portrait) -> NDArray[np.float64]:
    """Bright skin of the cheeks, (3,)."""
    spots = np.rint(portrait.landmarks[[50, 280, 205, 425, 9, 151], :2]).astype(int)
    return np.asarray(np.quantile(portrait.pixels[spots[:, 1], spots[:, 0]], 0.75, axis=0))


def _mouth_picture(skin_bgr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper teeth (rows 0..14), lower teeth (15..29), throat and tongue (30..63), (64, 128, 3).

    Teeth take the light of the skin and a third of its tint.
    """
    light = skin_bgr.max()
    ivory = light * (0.92 * np.array([0.84, 0.95, 1.0]) * 0.67 + 0.33 * skin_bgr / light)
    width, height = _MOUTH_WH
    picture = np.zeros((height, width, 3))
    x = np.abs(np.linspace(-1, 1, width))[None, :]
    tooth = 0.5 + 0.5 * np.cos(np.linspace(-4, 4, width)[None, :] * 2 * np.pi)
    enamel = (0.45 + 0.55 * (1 - x**2)) * (1 - 0.22 * (1 - tooth) ** 6)
    for rows, level in ((slice(0, 15), 1.0), (slice(15, 30), 0.62)):
        ramp = np.linspace(0.8, 1.0, 15)[:, None]
        picture[rows] = (ramp * enamel * level)[..., None] * ivory
    depth = np.linspace(0, 1, height - 30)[:, None]
    throat = (1 - 0.75 * x**2) * (0.12 + 0.5 * depth**1.5)
    picture[30:] = throat[..., None] * np.array([0.34, 0.32, 0.6]) * light
    return picture
