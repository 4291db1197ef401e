"""Affine maps of the plane as 2x3 matrices: applied to points, and fitted to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["apply_affine", "fit_motion", "fit_similarity"]


def apply_affine(
    matrix: NDArray[np.floating], points: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Map points.

    Args:
        matrix: (2, 3), ``y = matrix[:, :2] @ x + matrix[:, 2]``.
        points: (N, 2).

    Returns:
        (N, 2) in the wider of the two dtypes.
    """
    mapped: NDArray[np.floating] = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def fit_similarity(
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
) -> NDArray[np.float64]:
    """The shift, turn and scale that map ``source`` onto ``target`` with least squared error.

    Unlike Umeyama's method it has no reflection to exclude: in the plane the four unknowns are
    linear, and the solution is a handful of dot products.

    Args:
        source: (N, 2), not all in one place.
        target: (N, 2).
        weights: (N,) non-negative, not all zero; all equal by default.

    Returns:
        float64 (2, 3).
    """
    share = np.full(len(source), 1.0) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    mean_source, mean_target = share @ source, share @ target
    a, b = source - mean_source, target - mean_target
    spread = max(float(share @ (a * a).sum(axis=1)), 1e-12)
    along = float(share @ (a * b).sum(axis=1)) / spread
    across = float(share @ (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])) / spread
    linear = np.array([[along, -across], [across, along]])
    return np.column_stack([linear, mean_target - linear @ mean_source])


def fit_motion(
    source: NDArray[np.floating], target: NDArray[np.floating], rounds: int = 4
) -> NDArray[np.float64]:
    """The similarity that most pairs agree on, outliers losing weight round by round.

    Iteratively reweighted least squares with Cauchy weights, whose scale is the median residual.

    Args:
        source: (N, 2).
        target: (N, 2), of which less than about half may be wrong.
        rounds: number of fits.

    Returns:
        float64 (2, 3).
    """
    weights = np.ones(len(source))
    matrix = fit_similarity(source, target, weights)
    for _ in range(rounds - 1):
        residual = np.linalg.norm(apply_affine(matrix, source) - target, axis=1)
        scale = max(1.5 * float(np.median(residual)), 1e-6)
        weights = 1.0 / (1.0 + (residual / scale) ** 2)
        matrix = fit_similarity(source, target, weights)
    return matrix
