"""Smooth skin under a photo's light, fitted to an unwrapped face.

Lightness is a second-order spherical harmonic of the canonical normals, as a matt head shows it
under any distant light (R. Ramamoorthi and P. Hanrahan, "An efficient representation for
irradiance environment maps", SIGGRAPH 2001), and hue a quadratic of the place. The fit is robust
and grows from cheeks, nose, chin and forehead outwards, so that hair never enters it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import smooth_over_mesh
from masquerade.models.canonical import CANONICAL
from masquerade.stages.regions import region_mask
from masquerade.stages.texels import SEEN_PX
from masquerade.stages.unwrap import spread, vertex_normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["exposure", "fit_skin"]

_FIT_PX = 128
_FLOORS = np.array([5.0, 2.0, 2.5])
"""Least standard deviation of skin about the model in L, a, b (Lab, L 0..100)."""
_SEED_REACH = np.array([36.0, 16.0, 20.0])
"""How far a seed may lie from the seeds' median: half a cheek can be in shadow."""
_USUAL_LIGHT = 140.0
_RIDGE = 3e-3
_ROUNDS, _FREE_ROUNDS = 6, 2
"""Rounds of the fit, and how many of them, at the end, may take skin from anywhere."""
_GROWTH = np.ones((9, 9), np.uint8)
_LEAST_TEXELS = 12
_SEEDS = (
    (117, 118, 101, 36, 205, 187, 123),
    (346, 347, 330, 266, 425, 411, 352),
    (6, 197, 195, 5, 4, 45, 275, 220, 440, 122, 351),
    (18, 200, 32, 262, 194, 418),
    (151, 9, 108, 337),
)
"""Outlines of both cheeks, nose, chin and lower forehead."""


def fit_skin(
    lab: NDArray[np.float32], seen: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Fit the model.

    Args:
        lab: float32 (256, 256, 3), the unwrapped face, slightly blurred, Lab with L 0..100.
        seen: float32 (256, 256), 0..1, visibility.

    Returns:
        The model everywhere, float32 (256, 256, 3) Lab, and the deviation of skin about it, (3,).
    """
    small, visible = (_halved(part) for part in (lab, seen))
    bare, seeds = _bare_skin()
    open_skin = visible * bare
    weight = seeds * open_skin
    median = _median(small, weight, seeds)
    weight = weight * (np.abs(small - median) < _SEED_REACH).all(-1)
    deviation, coefficients = 2 * _FLOORS, None
    for step in range(_ROUNDS):
        if weight.sum() < _LEAST_TEXELS:
            break
        coefficients = _regress_all(small, weight)
        model = _evaluate(coefficients, _FIT_PX)
        off = np.abs(small - model)
        deviation = np.maximum(_FLOORS, 1.4826 * np.median(off[weight > 0.3], axis=0))
        grown = np.asarray(cv2.dilate((weight > 0.3).astype(np.float32), _GROWTH))
        weight = np.clip((12 - ((off / deviation) ** 2).sum(-1)) / 6, 0, 1) * open_skin
        if step < _ROUNDS - _FREE_ROUNDS:
            weight = weight * grown
    if coefficients is None:
        return np.broadcast_to(median, lab.shape).astype(np.float32), deviation
    return _evaluate(coefficients, SEEN_PX), deviation


def exposure(small: NDArray[np.float32], seen: NDArray[np.float32]) -> float:
    """By how much the photo is to be brightened so that skin and hair are well apart, 1..6.

    Args:
        small: float32 (256, 256, 3) BGR 0..255, the unwrapped face.
        seen: float32 (256, 256), 0..1, visibility.
    """
    picture, visible = (_halved(part) for part in (small, seen))
    seeds = picture[_bare_skin()[1] * visible > 0.5]
    typical = float(np.median(seeds.mean(-1))) if len(seeds) else _USUAL_LIGHT
    return float(np.clip(_USUAL_LIGHT / max(typical, 1.0), 1, 6))


def _regress_all(
    small: NDArray[np.float32], weight: NDArray[np.floating]
) -> list[NDArray[np.float64]]:
    shading, hue = _bases(_FIT_PX)
    return [
        _regress(basis, small[..., channel], weight)
        for channel, basis in enumerate((shading, hue, hue))
    ]


def _evaluate(coefficients: list[NDArray[np.float64]], size: int) -> NDArray[np.float32]:
    shading, hue = _bases(size)
    parts = [basis @ c for basis, c in zip((shading, hue, hue), coefficients, strict=True)]
    return np.stack(parts, -1).astype(np.float32)


def _median(
    small: NDArray[np.float32], weight: NDArray[np.float32], seeds: NDArray[np.float32]
) -> NDArray[np.float32]:
    chosen = small[weight > 0.5]
    return np.asarray(np.median(chosen if len(chosen) else small[seeds > 0.5], axis=0))


def _regress(
    basis: NDArray[np.float64], values: NDArray[np.floating], weight: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Weighted ridge regression; the constant is not pulled to zero."""
    used = weight > 0.01
    rows, w = basis[used], weight[used][:, None].astype(np.float64)
    penalty = np.eye(basis.shape[-1]) * _RIDGE * w.sum()
    penalty[0, 0] = 0
    weighted = rows * w
    return np.asarray(np.linalg.solve(weighted.T @ rows + penalty, weighted.T @ values[used]))


@functools.cache
def _bases(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shading and hue bases, (size, size, K)."""
    normals = vertex_normals(CANONICAL.pos * np.array([1, -1, -1], np.float32))
    n = spread(smooth_over_mesh(normals, CANONICAL.tri, 4), size).astype(np.float64)
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    v, u = (np.mgrid[0:size, 0:size] + 0.5) / size - 0.5
    one = np.ones_like(x)
    shading = [one, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1, u, v]
    return np.stack(shading, -1), np.stack([one, u, v, u * u, v * v, u * v], -1)


@functools.cache
def _bare_skin() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where plain skin can be, and where it is looked for first, float32 (128, 128)."""
    names = ("eyes", "brows", "lips", "nostrils")
    features = np.maximum.reduce([region_mask(name, _FIT_PX, 0.018) for name in names])
    bare = region_mask("face", _FIT_PX) * (1 - features)
    seeds = np.zeros((_FIT_PX, _FIT_PX), np.uint8)
    for outline in _SEEDS:
        hull = cv2.convexHull((CANONICAL.uv[list(outline)] * _FIT_PX - 0.5).astype(np.float32))
        cv2.fillConvexPoly(seeds, np.round(hull * 16).astype(np.int32), 1, shift=4)
    return np.asarray(bare, np.float32), np.asarray(seeds * bare, np.float32)


def _halved(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    half = cv2.resize(picture, (_FIT_PX, _FIT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.float32)
