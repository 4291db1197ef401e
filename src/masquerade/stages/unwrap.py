"""A photo laid out flat: from pixels and a mesh to the canonical texture atlas.

Convention: the centre of texel (x, y) has u = (x + 0.5) / size and v = (y + 0.5) / size, where
CANONICAL.uv has v = 0 above the forehead; so the atlas stands upright and the image's left is
its left.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.raster import Surface, rasterise
from masquerade.models.canonical import CANONICAL
from masquerade.stages.regions import ATLAS_PX, IRISES, MESH_COUNT, region_mask
from masquerade.stages.texels import SEEN_PX, blur, enlarge, nearest_marked, sample, smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Unwrapped", "iris_to_uv", "spread", "unwrap", "vertex_normals"]

_MAP_PX = 512
_MARGIN_TEXELS = 12


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """One photo in atlas layout.

    Attributes:
        texture: uint8 (1024, 1024, 3) BGR; filled a little beyond the mesh, black far outside.
        seen: float32 (256, 256), 0..1: how squarely and how unhidden the camera saw each texel.
        density: float32 (256, 256): photo pixels per texel of the 1024 atlas, along one side.
    """

    texture: NDArray[np.uint8]
    seen: NDArray[np.float32]
    density: NDArray[np.float32]


def unwrap(pixels: NDArray[np.uint8], points: NDArray[np.float32]) -> Unwrapped:
    """Lay the face of a photo out in the atlas.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        points: float32 (468 or more, 3), mesh in photo pixels, z in the same unit, smaller nearer.
    """
    points = points[:MESH_COUNT].astype(np.float32)
    face, points = _face_crop(pixels, points)
    where = enlarge(spread(points[:, :2], _MAP_PX))
    texture = sample(face, where, cv2.INTER_CUBIC).astype(np.uint8)
    texture[_far_outside()] = 0
    towards = spread(vertex_normals(points)[:, 2:], SEEN_PX)[..., 0]
    square_on = smoothstep(towards, 0.12, 0.5)
    # Nostrils and lips are always seen aslant, by the target's camera too.
    aslant = region_mask("nostrils", SEEN_PX, 0.02, 0.01) + region_mask("lips", SEEN_PX, 0, 0.01)
    square_on = np.maximum(square_on, np.clip(aslant, 0, 1) * smoothstep(towards, -0.5, -0.1))
    seen = square_on * _unhidden(points) * _inside(points, face.shape)
    return Unwrapped(texture, seen * region_mask("face", SEEN_PX), _density(points))


def spread(values: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """Vertex values (468, C) carried linearly over the atlas: float32 (size, size, C).

    Texels outside the mesh continue the nearest triangle.
    """
    return _atlas_surface(size).interpolate(values)


def vertex_normals(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Unit normals of the 468 vertices, float32 (468, 3), x right, y down, z to the camera.

    Args:
        points: (468, 3), x right, y down, z away from the camera.
    """
    corners = points[CANONICAL.tri]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros((MESH_COUNT, 3))
    for corner in range(3):
        np.add.at(summed, CANONICAL.tri[:, corner], across)
    summed /= np.linalg.norm(summed, axis=1, keepdims=True) + 1e-9
    return np.asarray(summed * np.array([1, 1, -1]), np.float32)


def iris_to_uv(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the ten iris landmarks lie in the atlas: float32 (10, 2), u and v.

    Each landmark is placed by the mesh triangle that contains it in the photo, or by the one that
    it misses least.
    """
    corners = points[CANONICAL.tri, :2].astype(np.float64)
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=-1)
    solid = np.abs(np.linalg.det(edges)) > 1e-6
    inverse = np.linalg.inv(edges[solid])
    uv = CANONICAL.uv[CANONICAL.tri[solid]]
    result = np.empty((10, 2), np.float32)
    for row, landmark in enumerate(np.ravel(IRISES)):
        bc = np.einsum("nij,nj->ni", inverse, points[landmark, :2] - corners[solid, 0])
        weights = np.concatenate([1 - bc.sum(1, keepdims=True), bc], axis=1)
        best = int(np.argmax(weights.min(1)))
        result[row] = weights[best] @ uv[best]
    return result


def _face_crop(
    pixels: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The face alone, shrunk so that no texel spans more than about one pixel."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    pad = 0.1 * float((high - low).max()) + 4
    size = np.array([pixels.shape[1], pixels.shape[0]])
    x0, y0 = np.clip(np.floor(low - pad), 0, size - 1).astype(int)
    x1, y1 = np.clip(np.ceil(high + pad), [x0 + 1, y0 + 1], size).astype(int)
    face = pixels[y0:y1, x0:x1]
    points = points - np.array([x0, y0, 0], np.float32)
    scale = float(ATLAS_PX * 0.9 / (high - low).max())
    if scale >= 1:
        return np.ascontiguousarray(face), points
    small = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    factor = [small.shape[1] / face.shape[1], small.shape[0] / face.shape[0], scale]
    centre = np.array([0.5, 0.5, 0], np.float32)
    moved = (points + centre) * np.array(factor, np.float32) - centre
    return np.asarray(small, np.uint8), moved


@functools.cache
def _atlas_surface(size: int) -> Surface:
    """The mesh drawn in the atlas, every texel outside it given to the nearest triangle."""
    cells = (CANONICAL.uv * size - 0.5).astype(np.float32)
    drawn = rasterise(cells, np.zeros(len(cells)), CANONICAL.tri, (size, size)).triangle
    (rows, columns), _ = nearest_marked(drawn >= 0)
    return Surface(drawn[rows, columns], CANONICAL.tri, cells)


@functools.cache
def _far_outside() -> NDArray[np.bool_]:
    _, away = nearest_marked(region_mask("face", ATLAS_PX) > 0.5)
    return away > _MARGIN_TEXELS


def _unhidden(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 where the texel is the nearest surface along its line of sight, 0 where it is hidden."""
    low, span = points.min(0), float(np.ptp(points[:, :2], axis=0).max())
    cells = (points - low) * ((SEEN_PX - 8) / span) + np.array([4, 4, 0], np.float32)
    flat = np.ascontiguousarray(cells[:, :2], np.float32)
    front = rasterise(flat, cells[:, 2], CANONICAL.tri, (SEEN_PX, SEEN_PX))
    depth = np.where(front.triangle < 0, 1e6, front.interpolate(cells[:, 2:])[..., 0])
    here = spread(cells, SEEN_PX)
    before = sample(depth, here[..., :2], cv2.INTER_NEAREST)
    hidden = smoothstep(here[..., 2] - before, 0.03 * SEEN_PX, 0.08 * SEEN_PX)
    return np.asarray(1 - blur(hidden, 2), np.float32)


def _inside(points: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """1 where the texel falls into the picture, 0 where the face runs out of it."""
    where = spread(points[:, :2], SEEN_PX)
    last = np.array([shape[1] - 1, shape[0] - 1], np.float32)
    return np.asarray(np.clip(np.minimum(where, last - where).min(-1) + 1, 0, 1), np.float32)


def _density(points: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = points[CANONICAL.tri][:, :, :2]
    uv = CANONICAL.uv[CANONICAL.tri] * ATLAS_PX
    ratio = np.sqrt(_area(flat) / np.maximum(_area(uv), 1e-6)).astype(np.float32)
    return blur(ratio[_atlas_surface(SEEN_PX).triangle], 4)


def _area(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2)
