"""The donor's face shape on the target's head, its pose and expression left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT
from masquerade.stages.neutral import neutral_shape, pose_of, to_pixels, turn_degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ShapeTransfer", "close_lids"]

_NEUTRAL_FRAMES = 12.0
"""Frontal frames over which the target's neutral face is averaged; it is frozen from then on."""
_DEPTH = 0.5
"""Share of the depth's difference that is carried over: the network's depth is half a guess."""

_LIDS_SHUT, _LIDS_OPEN = 0.07, 0.17
"""Gap of the lids over the eye's width: what the network says of a shut eye, and of an open one."""


def close_lids(points: NDArray[np.float32]) -> None:
    """Shut in place the lids of eyes that are nearly shut: the network leaves a slit in a blink.

    Args:
        points: float32 (>= 468, 3) pixels.
    """
    for ring in (EYE_LEFT, EYE_RIGHT):
        upper, lower = ring[1:8], ring[15:8:-1]
        width = float(np.linalg.norm(points[ring[0]] - points[ring[8]]))
        gap = float(np.linalg.norm(points[upper[3]] - points[lower[3]]))
        t = (gap / max(width, 1e-6) - _LIDS_SHUT) / (_LIDS_OPEN - _LIDS_SHUT)
        if t >= 1:
            continue
        left = max(t, 0.0) ** 2 * (3 - 2 * max(t, 0.0))
        # The upper lid does most of the way.
        seam = 0.3 * points[upper] + 0.7 * points[lower]
        points[upper] = seam + left * (points[upper] - seam)
        points[lower] = seam + left * (points[lower] - seam)


class ShapeTransfer:
    """Where the donor's vertices lie on one tracked target.

    The difference between the donor's shape and the target's neutral one is measured over the
    first frames of a track and then kept: what never changes cannot leak expression or shimmer.

    Args:
        donor: float32 (468, 3), the donor's mesh in the canonical frame, cm, as ``neutral_shape``
            gives it.
    """

    def __init__(self, donor: NDArray[np.float32]) -> None:
        self._donor = donor.astype(np.float64)
        self._sum = np.zeros((468, 3))
        self._weight = 0.0
        self._delta: NDArray[np.float64] = np.zeros((468, 3))

    def offsets(
        self,
        landmarks: NDArray[np.float32],
        strength: float,
        lean_cm: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float32]:
        """Frame offsets, float32 (468, 3) in pixels, from the target's points to the donor's.

        Args:
            landmarks: float32 (>= 468, 3) frame pixels.
            strength: share of the difference that is carried over.
            lean_cm: float64 (468, 3), a further offset in the canonical frame (see ``settle``).
        """
        if strength <= 0 and lean_cm is None:
            return np.zeros((468, 3), np.float32)
        pose = pose_of(landmarks)
        if strength > 0 and self._weight < _NEUTRAL_FRAMES:
            self._observe(landmarks, turn_degrees(pose)[0])
        moved = strength * self._delta
        if lean_cm is not None:
            moved = moved + lean_cm
        return np.asarray(to_pixels(moved, pose), np.float32)

    def _observe(self, landmarks: NDArray[np.float32], yaw_deg: float) -> None:
        weight = max(1.0 - abs(yaw_deg) / 45.0, 0.05)
        self._sum += weight * neutral_shape(landmarks)
        self._weight += weight
        self._delta = self._donor - self._sum / self._weight
        self._delta[:, 2] *= _DEPTH
