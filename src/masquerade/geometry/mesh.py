"""The face mesh: its named parts, its extension beyond the face, and how two meshes are aligned.

Vertex numbers are those of MediaPipe Face Mesh (468 vertices, then 5 points of the image-left
iris and 5 of the image-right one; the first of each five is the centre).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EYE_LEFT",
    "EYE_RIGHT",
    "INNER_LIPS",
    "IRIS_CENTRES",
    "OUTER_LIPS",
    "OVAL",
    "Similarity",
    "facing",
    "inter_ocular_px",
    "smooth_over_mesh",
    "umeyama",
]

# fmt: off
OVAL = np.array([
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109])
"""Rim of the mesh, clockwise in the image from the top of the forehead."""
INNER_LIPS = np.array([
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95])
OUTER_LIPS = np.array([
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146])
EYE_LEFT = np.array([
    33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7])
"""Lid contour of the eye on the image's left, from its outer corner over the upper lid."""
EYE_RIGHT = np.array([
    263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249])
"""Lid contour of the eye on the image's right, from its outer corner over the upper lid."""
# fmt: on
IRIS_CENTRES = (468, 473)
"""Centres of the irises on the image's left and right."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """``y = scale * rotation @ x + shift`` for column vectors of D dimensions."""

    scale: float
    rotation: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map (N, D) points."""
        return self.scale * (points @ self.rotation.T) + self.shift

    def apply_inverse(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map (N, D) points back."""
        return (points - self.shift) @ self.rotation / self.scale

    def turn(self, offsets: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map (N, D) offsets: scale and rotation without the shift."""
        return self.scale * (offsets @ self.rotation.T)


def umeyama(
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
) -> Similarity:
    """The similarity that maps ``source`` onto ``target`` with least weighted squared error.

    Args:
        source: (N, D) points.
        target: (N, D) points.
        weights: (N,) non-negative, all equal by default.

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 13(4), 1991, eq. 40 to 42.
    """
    w = np.ones(len(source)) if weights is None else np.asarray(weights, np.float64)
    w = w / w.sum()
    mean_s, mean_t = w @ source, w @ target
    s, t = source - mean_s, target - mean_t
    u, d, vt = np.linalg.svd((t * w[:, None]).T @ s)
    sign = np.ones(len(d))
    if np.linalg.det(u) * np.linalg.det(vt) < 0:
        sign[-1] = -1
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / max(float(w @ (s * s).sum(1)), 1e-12))
    return Similarity(scale, rotation, mean_t - scale * rotation @ mean_s)


def inter_ocular_px(landmarks: NDArray[np.floating]) -> float:
    """Distance of the two eyes' centres (mean of the corners), depth included, in pixels."""
    left = (landmarks[33] + landmarks[133]) / 2
    right = (landmarks[263] + landmarks[362]) / 2
    return float(np.linalg.norm(left - right))


def facing(points: NDArray[np.floating], triangles: NDArray[np.integer]) -> NDArray[np.float32]:
    """How far each triangle faces the camera.

    Args:
        points: (N, 3), x right, y down, z away from the camera.
        triangles: (T, 3) vertex numbers in MediaPipe's winding (counter-clockwise to the eye).

    Returns:
        float32 (T,), z component of the unit normal: 1 frontal, 0 grazing, negative turned away.
    """
    corner = points[triangles]
    (ux, uy, uz), (vx, vy, vz) = (corner[:, 1] - corner[:, 0]).T, (corner[:, 2] - corner[:, 0]).T
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    return np.asarray(-nz / np.maximum(length, 1e-9), np.float32)


def smooth_over_mesh(
    values: NDArray[np.floating], triangles: NDArray[np.integer], steps: int
) -> NDArray[np.float64]:
    """Average every vertex value with its neighbours' mean, ``steps`` times.

    Args:
        values: (N, K).
        triangles: (T, 3).
        steps: number of half-way Laplacian steps.
    """
    whole = np.ascontiguousarray(triangles, np.int64)
    return _averaging(whole.tobytes(), len(values), steps) @ np.asarray(values, np.float64)


@lru_cache(maxsize=8)
def _averaging(triangles: bytes, count: int, steps: int) -> NDArray[np.float64]:
    """All steps of :func:`smooth_over_mesh` as one matrix, float64 (count, count)."""
    corners = np.frombuffer(triangles, np.int64).reshape(-1, 3)
    near = np.zeros((count, count))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        near[corners[:, a], corners[:, b]] = near[corners[:, b], corners[:, a]] = 1
    near /= np.maximum(near.sum(axis=1, keepdims=True), 1)
    return np.linalg.matrix_power(0.5 * np.eye(count) + 0.5 * near, steps)
