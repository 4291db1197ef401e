"""Which vertices and which texels of the canonical face are lips, lids, brows, skin."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS, OUTER_LIPS, OVAL
from masquerade.models.canonical import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "ATLAS_PX",
    "BROWS",
    "EYES",
    "IRISES",
    "LIPS",
    "MESH_COUNT",
    "mirror_index",
    "region_mask",
]

ATLAS_PX = 1024
"""Side of the texture atlas in texels."""
MESH_COUNT = 468
"""Vertices of the canonical mesh; landmarks 468..477 are the irises."""

LIPS = (
    *OUTER_LIPS.tolist(), *INNER_LIPS.tolist(),
    76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 408, 304, 303, 302, 11, 72, 73, 74, 184,
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 407, 272, 271, 268, 12, 38, 41, 42, 183,
)  # fmt: skip
"""All 80 vertices of the lips."""
EYES = (tuple(EYE_LEFT.tolist()), tuple(EYE_RIGHT.tolist()))
"""The lid contours, 16 vertices each: image left, image right."""
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Centre and ring (image right, top, image left, bottom) of each iris."""
_NOSTRILS = (98, 97, 2, 326, 327, 294, 455, 440, 275, 4, 45, 220, 235, 64)
_IRIS_MIRROR = {468: 473, 469: 476, 470: 475, 471: 474, 472: 477}


@functools.cache
def mirror_index() -> NDArray[np.intp]:
    """For each of the 478 landmarks the one on the other side of the face; an involution."""
    pos = CANONICAL.pos
    apart = ((pos[:, None] * np.array([-1, 1, 1], np.float32) - pos[None]) ** 2).sum(-1)
    index = np.arange(MESH_COUNT + 10)
    index[:MESH_COUNT] = apart.argmin(1)
    for one, other in _IRIS_MIRROR.items():
        index[one], index[other] = other, one
    return index


@functools.cache
def region_mask(name: str, size: int, grow: float = 0.0, soft: float = 0.0) -> NDArray[np.float32]:
    """A region of the atlas as a mask.

    Args:
        name: face, eyes, left_eye, right_eye (of the image), brows, lips, mouth (inside the
            inner lips) or nostrils.
        size: side of the mask in texels.
        grow: how far the region is widened, in atlas widths.
        soft: sigma of the blur of its rim, in atlas widths.

    Returns:
        float32 (size, size), 0..1, read only.
    """
    mask = np.zeros((size, size), np.uint8)
    for vertices in _outlines(name):
        outline = CANONICAL.uv[list(vertices)] * size - 0.5
        hull = (
            outline
            if name in ("face", "mouth", "eyes", "left_eye", "right_eye")
            else cv2.convexHull(outline)[:, 0]
        )
        cv2.fillPoly(mask, [np.round(hull * 16).astype(np.int32)], 255, shift=4)
    if grow > 0:
        reach = 2 * round(grow * size) + 1
        element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        mask = np.asarray(cv2.dilate(mask, element), np.uint8)
    result = np.asarray(mask, np.float32) / np.float32(255)
    if soft > 0:
        result = np.asarray(cv2.GaussianBlur(result, (0, 0), soft * size), np.float32)
    result.setflags(write=False)
    return result


def _outlines(name: str) -> Sequence[Sequence[int]]:
    return {
        "face": (OVAL.tolist(),),
        "eyes": EYES,
        "left_eye": EYES[:1],
        "right_eye": EYES[1:],
        "brows": BROWS,
        "lips": (OUTER_LIPS.tolist(),),
        "mouth": (INNER_LIPS.tolist(),),
        "nostrils": (_NOSTRILS,),
    }[name]
