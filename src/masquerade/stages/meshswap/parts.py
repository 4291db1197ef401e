"""The mesh as it is drawn: face, eyes, mouth, and rings around it; fields that live in its atlas.

Vertices: 0..467 the face mesh, 468 and 469 the iris centres (image left, image right), then
``len(RING_REACH)`` rings of 36 around the oval, along which the surroundings are warped.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import (
    EYE_LEFT,
    EYE_RIGHT,
    INNER_LIPS,
    OUTER_LIPS,
    OVAL,
)
from masquerade.geometry.raster import unwrap_weights
from masquerade.models.canonical import CANONICAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FIELD_SIZE",
    "MOUTH",
    "RING_FALLOFF",
    "RING_REACH",
    "TRIANGLES",
    "edge_ramp",
    "field_weights",
    "fold_field",
    "skin_field",
    "with_rings",
]

FIELD_SIZE = 64
"""Texels along a side of the fields of light, folds and occlusion."""

RING_REACH = (0.12, 0.28, 0.5)
"""How far each ring lies beyond the oval, as a share of its distance from the face's centre."""
RING_FALLOFF = tuple(
    (1 - r / RING_REACH[-1]) ** 2 * (1 + 2 * r / RING_REACH[-1]) for r in RING_REACH
)
"""How much of the oval's displacement is left at each ring: a smooth step down to nothing."""

# fmt: off
BROW_LEFT = np.array([70, 63, 105, 66, 107, 55, 65, 52, 53, 46])
BROW_RIGHT = np.array([300, 293, 334, 296, 336, 285, 295, 282, 283, 276])
NOSTRILS = np.array([98, 97, 2, 326, 327, 294, 278, 344, 440, 275, 4, 45, 220, 115, 48, 64])
# fmt: on


def _fan(contour: NDArray[np.integer], centre: int) -> NDArray[np.int32]:
    return np.stack([contour, np.roll(contour, -1), np.full(len(contour), centre)], axis=1)


def _face_triangles() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Triangles of skin and lips, and those that close the mouth."""
    tri = CANONICAL.tri
    mouth = np.isin(tri, INNER_LIPS).all(1)
    eyes = np.isin(tri, EYE_LEFT).all(1) | np.isin(tri, EYE_RIGHT).all(1)
    return tri[~mouth & ~eyes].astype(np.int32), tri[mouth].astype(np.int32)


def _rings() -> NDArray[np.int32]:
    quads = []
    inner = OVAL
    for k in range(len(RING_REACH)):
        outer = 470 + 36 * k + np.arange(36)
        a, b, c, d = inner, np.roll(inner, -1), np.roll(outer, -1), outer
        quads += [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
        inner = outer
    return np.concatenate(quads).astype(np.int32)


def with_rings(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Append the rings to (470, D) points: float32 (470 + 36 * rings, D)."""
    centre = points[OVAL].mean(0)
    arms = points[OVAL] - centre
    rings = [centre + arms * (1 + reach) for reach in RING_REACH]
    return np.concatenate([points, *rings]).astype(np.float32)


def _wind(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Turn each triangle so that it faces the viewer of the canonical face."""
    flat = np.zeros((470, 2))
    flat[:468] = CANONICAL.pos[:, :2] * [1, -1]
    flat[468], flat[469] = flat[EYE_LEFT].mean(0), flat[EYE_RIGHT].mean(0)
    p = with_rings(flat)[triangles].astype(np.float64)
    e1, e2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    back = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0] > 0
    out = triangles.copy()
    out[back] = out[back][:, [0, 2, 1]]
    return out


_SKIN, MOUTH_TRIANGLES = _face_triangles()
_EYES = np.concatenate([_fan(EYE_LEFT, 468), _fan(EYE_RIGHT, 469)]).astype(np.int32)
TRIANGLES: NDArray[np.int32] = np.concatenate(
    [_SKIN, _wind(np.concatenate([_EYES, _rings()])), MOUTH_TRIANGLES]
)
"""Everything that is drawn: skin and lips, eyes as fans around the irises, rings, mouth."""
MOUTH = len(TRIANGLES) - len(MOUTH_TRIANGLES)
"""Number of the first triangle of the mouth's interior in TRIANGLES."""


@cache
def field_weights(size: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """What places each texel of a field of this size on a mesh: vertices, weights, triangle.

    Shapes (size * size, 3), (size * size, 3) and (size * size,); see unwrap_weights.
    """
    vertices, weights, _ = unwrap_weights(CANONICAL.uv, CANONICAL.tri, size)
    corner_of = {tuple(corner): k for k, corner in enumerate(CANONICAL.tri.tolist())}
    number = np.array([corner_of[tuple(corner)] for corner in vertices.tolist()], np.int32)
    return vertices, weights, number


def _polygons(size: int, *rings: NDArray[np.integer], grow_px: int = 0) -> NDArray[np.uint8]:
    field = np.zeros((size, size), np.uint8)
    for ring in rings:
        points = np.round((CANONICAL.uv[ring] * size - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(field, [points], 255, 8, 4)
    if grow_px:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow_px + 1, 2 * grow_px + 1))
        return np.asarray(cv2.dilate(field, kernel), np.uint8)
    return field


@cache
def skin_field() -> NDArray[np.float32]:
    """Where the atlas is bare skin for sure, float32 (64, 64) 0..1: no eyes, brows, lips, rim."""
    inside = cv2.erode(_polygons(FIELD_SIZE, OVAL), np.ones((3, 3), np.uint8), iterations=2)
    features = (
        _polygons(FIELD_SIZE, EYE_LEFT, EYE_RIGHT, grow_px=2)
        | _polygons(FIELD_SIZE, BROW_LEFT, BROW_RIGHT, grow_px=2)
        | _polygons(FIELD_SIZE, OUTER_LIPS, grow_px=1)
        | _polygons(FIELD_SIZE, NOSTRILS, grow_px=0)
    )
    return np.where(features > 0, 0.0, inside / 255).astype(np.float32)


@cache
def edge_ramp(size: int, width: float) -> NDArray[np.float32]:
    """0 at the oval's rim, 1 from ``width`` (share of the atlas) inwards, smooth. (size, size)."""
    inside = _polygons(size, OVAL)
    distance = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, 0), cv2.DIST_L2, 5)
    t = np.clip(distance[1:-1, 1:-1] / (width * size), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


@cache
def fold_field() -> NDArray[np.float32]:
    """Where expression folds the skin, float32 (64, 64) 0..1: forehead, eyes' corners, cheeks."""
    spots = [
        (np.array([205, 425]), 0.07),  # nasolabial folds
        (np.array([206, 426, 216, 436]), 0.06),
        (np.array([226, 446]), 0.05),  # crow's feet
        (np.array([9, 151]), 0.08),  # frown and forehead
        (np.array([104, 333]), 0.07),
        (np.array([200]), 0.05),  # chin
        (np.array([119, 348]), 0.05),  # below the eyes
    ]
    ys, xs = np.mgrid[0:FIELD_SIZE, 0:FIELD_SIZE]
    field = np.zeros((FIELD_SIZE, FIELD_SIZE))
    for vertices, radius in spots:
        for u, v in CANONICAL.uv[vertices]:
            square = ((xs + 0.5) / FIELD_SIZE - u) ** 2 + ((ys + 0.5) / FIELD_SIZE - v) ** 2
            field = np.maximum(field, np.exp(-square / (2 * radius**2)))
    return np.asarray(field * (skin_field() > 0), np.float32)
