"""What stands in front of the target's face: told from colour and time, without a network."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.stages.meshswap.parts import FIELD_SIZE, skin_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.stages.meshswap.light import FaceField

__all__ = ["Occlusion", "refine"]

_LEARN_FRAMES = 6
"""Frames after which a track's own appearance is trusted more than the skin model."""
_ALONE = np.array([26.0, 9.0, 9.0], np.float32)
"""Lab tolerance of the skin model of a single frame (beards, shadows and make-up are skin)."""
_KNOWN = np.array([15.0, 6.0, 6.0], np.float32)
"""Lab tolerance against what the same spot has looked like in this track."""


@cache
def _surface() -> NDArray[np.float32]:
    """Second-order polynomials of the atlas, (64 * 64, 6): how light varies over a face."""
    axis = (np.arange(FIELD_SIZE, dtype=np.float32) + 0.5) / FIELD_SIZE * 2 - 1
    x, y = (grid.reshape(-1) for grid in np.meshgrid(axis, axis))
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)


class Occlusion:
    """Finds the texels of one track's face that something covers."""

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None
        self._frames = 0

    def find(self, field: FaceField) -> NDArray[np.float32] | None:
        """Covered texels as float32 (64, 64) 0..1, or None where nothing covers the face."""
        lab = cv2.cvtColor(field.colour / np.float32(255), cv2.COLOR_BGR2LAB)
        weight = skin_field() * field.seen
        if weight.sum() < 0.1 * FIELD_SIZE**2:
            return None
        distance = _distance(lab, _fit_skin(lab, weight), _ALONE)
        if self._mean is not None and self._frames >= _LEARN_FRAMES:
            distance = np.maximum(distance, _distance(lab, self._relit_mean(lab, weight), _KNOWN))
        covered = self._clean((distance > 1.0) & (weight > 0.3))
        self._learn(lab, covered, field.seen)
        if not covered.any():
            return None
        return cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 1.2)  # type: ignore[return-value]

    def _relit_mean(
        self, lab: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The track's mean appearance in this frame's light: a smooth change is not an object."""
        assert self._mean is not None
        change = lab - self._mean
        return self._mean + _fit_skin(change, weight)

    def _learn(
        self, lab: NDArray[np.float32], covered: NDArray[np.bool_], seen: NDArray[np.float32]
    ) -> None:
        if self._mean is None:
            self._mean = lab.copy()
        self._frames += 1
        rate = np.float32(max(1 / self._frames, 0.05)) * (seen > 0.3) * np.where(covered, 0.02, 1.0)
        self._mean += rate[..., None].astype(np.float32) * (lab - self._mean)

    @staticmethod
    def _clean(covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Drop specks, keep what is large enough to be a thing, and widen it by a texel."""
        kernel = np.ones((3, 3), np.uint8)
        opened = cv2.morphologyEx(covered.astype(np.uint8), cv2.MORPH_OPEN, kernel)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
        large = stats[:, cv2.CC_STAT_AREA] >= 0.006 * FIELD_SIZE**2
        large[0] = False
        if count <= 1 or not large.any():
            return np.zeros_like(covered)
        return cv2.dilate(large[labels].astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # type: ignore[no-any-return]


def _fit_skin(values: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """A smooth surface through most of the skin: weighted least squares, outliers let go."""
    basis, flat = _surface()[::7], values.reshape(-1, 3)[::7]
    base_weight = weight.reshape(-1)[::7]
    trust = base_weight
    coefficients = np.zeros((6, 3), np.float32)
    for _ in range(4):
        weighted = basis * trust[:, None]
        normal = basis.T @ weighted + 1e-2 * np.eye(6, dtype=np.float32)
        coefficients = np.linalg.solve(normal, weighted.T @ flat).astype(np.float32)
        error = np.linalg.norm((flat - basis @ coefficients) / _ALONE, axis=1)
        trust = base_weight / (1 + (error / 0.4) ** 4)
    return (_surface() @ coefficients).reshape(values.shape)


def _distance(
    lab: NDArray[np.float32], expected: NDArray[np.float32], tolerance: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.linalg.norm((lab - expected) / tolerance, axis=2).astype(np.float32)


def refine(
    covered: NDArray[np.float32], picture: NDArray[np.uint8], radius: int
) -> NDArray[np.float32]:
    """Pull the edge of a coarse mask to the edge in the picture.

    Args:
        covered: float32 (H, W) 0..1.
        picture: uint8 (H, W, 3) BGR.
        radius: half the window in pixels.

    Returns:
        float32 (H, W) 0..1.

    Source: K. He, J. Sun, X. Tang, "Guided image filtering", PAMI 35(6), 2013, grey guide.
    """
    size = (2 * radius + 1, 2 * radius + 1)
    guide = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255
    mean_i, mean_p = cv2.blur(guide, size), cv2.blur(covered, size)
    variance = cv2.blur(guide * guide, size) - mean_i * mean_i
    covariance = cv2.blur(guide * covered, size) - mean_i * mean_p
    slope = covariance / (variance + np.float32(1e-3))
    offset = mean_p - slope * mean_i
    out = cv2.blur(slope, size) * guide + cv2.blur(offset, size)
    return np.clip((out - 0.15) / 0.7, 0, 1).astype(np.float32)
