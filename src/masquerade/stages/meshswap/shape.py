"""The donor's face shape on the target's head, its pose and expression left alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.mesh import (
    EYE_LEFT,
    EYE_RIGHT,
    INNER_LIPS,
    OUTER_LIPS,
    Similarity,
    smooth_over_mesh,
    umeyama,
)
from masquerade.models.canonical import CANONICAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ShapeTransfer", "fit_pose", "steady_shape"]

_TO_IMAGE = np.array([1.0, -1.0, -1.0])
"""The canonical frame has y up and z towards the viewer; an image has both the other way."""
_NEUTRAL_FRAMES = 12
"""Frames over which the target's neutral face is averaged; it is frozen from then on."""


@cache
def _stiffness() -> NDArray[np.float64]:
    """Weights of a pose fit, (468,): high where expression moves nothing, low at jaw and lips."""
    y = CANONICAL.pos[:, 1]
    weights = np.where(y > -1.0, 1.0, 0.15)
    weights[np.concatenate([OUTER_LIPS, INNER_LIPS])] = 0.02
    weights[np.concatenate([EYE_LEFT, EYE_RIGHT])] = 0.5
    return weights


def fit_pose(landmarks: NDArray[np.floating], shape: NDArray[np.floating]) -> Similarity:
    """The similarity from a canonical shape (468, 3) in cm to landmarks (>= 468, 3) in pixels."""
    return umeyama(shape * _TO_IMAGE, landmarks[:468].astype(np.float64), _stiffness())


@cache
def _groups() -> tuple[tuple[NDArray[np.intp], int], ...]:
    """Vertex groups that expression deforms: lips and the two eyes with the skin around them."""
    pos = CANONICAL.pos
    lips = np.concatenate([OUTER_LIPS, INNER_LIPS])
    found = []
    for ring, reach in ((lips, 0.55), (EYE_LEFT, 0.45), (EYE_RIGHT, 0.45)):
        gap = np.linalg.norm(pos[:, None] - pos[ring][None], axis=2).min(1)
        found.append((np.flatnonzero(gap < reach), 0))
    return tuple(found)


@cache
def _jaw() -> NDArray[np.float64]:
    """How far each vertex (468,) goes along when the mouth opens by one: 0 above it, 1 at chin."""
    x, y = CANONICAL.pos[:, 0], CANONICAL.pos[:, 1]
    lip, chin = y[14], y[152]
    down = np.clip((lip + 0.3 - y) / (lip + 0.3 - chin), 0, 1)
    middle = np.exp(-((x / 6.0) ** 4))
    weights = np.sqrt(down) * middle
    weights[np.isin(np.arange(468), [14, 17, 87, 317, 178, 402, 84, 314])] = 1
    return np.asarray(weights)


def steady_shape(delta: NDArray[np.floating], opening: float) -> NDArray[np.float64]:
    """Take out of a difference of two faces what is expression.

    Lips and eyes may only shift and widen as groups; what the jaw does because the mouth is open
    by ``opening`` more is removed; the rest is smoothed over the mesh; depth is halved, since the
    network's depth is the least certain.

    Args:
        delta: (468, 3) in cm, canonical frame.
        opening: by how many cm the donor's mouth is open wider than the target's.

    Returns:
        float64 (468, 3).
    """
    out = np.array(delta, np.float64)
    out[:, 1] += opening * _jaw()
    for members, _ in _groups():
        x = CANONICAL.pos[members, 0] - CANONICAL.pos[members, 0].mean()
        shift = out[members].mean(0)
        widening = (x * (out[members, 0] - shift[0])).sum() / (x * x).sum()
        out[members] = shift
        out[members, 0] += widening * x
    out = smooth_over_mesh(out, CANONICAL.tri, 4)
    out[:, 2] *= 0.5
    return out


class ShapeTransfer:
    """Where the donor's vertices lie on one tracked target.

    The difference between the donor's shape and the target's neutral one is measured over the
    first frames of a track and then kept: what never changes cannot leak expression or shimmer.

    Args:
        donor: float32 (468, 3), the donor's mesh in the canonical frame, cm.
    """

    def __init__(self, donor: NDArray[np.float32]) -> None:
        self._donor = donor.astype(np.float64)
        self._sum = np.zeros((468, 3))
        self._weight = 0.0
        self._delta: NDArray[np.float64] = np.zeros((468, 3))

    def offsets(self, landmarks: NDArray[np.float32], strength: float) -> NDArray[np.float64]:
        """Frame offsets (468, 3) in pixels that turn the target's points into the donor's."""
        pose = fit_pose(landmarks, CANONICAL.pos)
        if self._weight < _NEUTRAL_FRAMES:
            self._observe(pose.apply_inverse(landmarks[:468].astype(np.float64)) * _TO_IMAGE)
        return strength * pose.turn(self._delta * _TO_IMAGE)

    def _observe(self, local: NDArray[np.float64]) -> None:
        self._sum += local
        self._weight += 1.0
        neutral = self._sum / self._weight
        # Both faces in one frame: the canonical fit of each differs by its own proportions.
        aligned = umeyama(self._donor, neutral, _stiffness()).apply(self._donor)
        gap = np.linalg.norm(aligned[13] - aligned[14]) - np.linalg.norm(neutral[13] - neutral[14])
        self._delta = steady_shape(aligned - neutral, float(gap))
