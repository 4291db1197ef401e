"""How a face looked at one moment, and how far it has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np

from masquerade.geometry.mesh import inter_ocular_px, umeyama
from masquerade.models.canonical import CANONICAL
from masquerade.stages.carry.openings import Openings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Change", "Look"]

_EVERY = 4
"""Every so many vertices are compared."""
_BLACK = 8.0


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed between two looks at a face.

    Attributes:
        expression: mean distance of the vertices after the best similarity, over the eyes'
            distance: what is neither turn, nor shift, nor size.
        turn_deg: angle between the two poses.
        size: absolute logarithm of the sizes' ratio.
        light: mean absolute logarithm of the ratio of lightness in six parts of the face.
        opening: how far the mouth has opened or shut, or an eye has opened, over the distance of
            the eyes' outer corners. An eye that shuts is only covered.
        shut: how far an eye has shut, over the same distance.
    """

    expression: float
    turn_deg: float
    size: float
    light: float
    opening: float
    shut: float


@dataclass(frozen=True, slots=True)
class Look:
    """One face in one frame.

    Attributes:
        points: float64 (N, 3) pixels, some of the mesh's vertices.
        span_px: distance of the eyes.
        shades: float64 (6,), logarithm of the lightness of six parts of the face.
        openings: of mouth and eyes.
    """

    points: NDArray[np.float64]
    span_px: float
    shades: NDArray[np.float64]
    openings: Openings

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Self:
        """Look at a face.

        Args:
            pixels: uint8 (H, W, 3) BGR.
            landmarks: float32 (478, 3) frame pixels.
        """
        points = landmarks[:468:_EVERY].astype(np.float64)
        limit = np.array(pixels.shape[1::-1]) - 1
        at = np.clip(np.rint(landmarks[:468, :2]), 0, limit).astype(np.intp)
        lightness = pixels[at[:, 1], at[:, 0]].mean(axis=1)
        shades = np.log(_parts() @ lightness + _BLACK)
        return cls(points, max(inter_ocular_px(landmarks), 1e-3), shades, Openings.of(landmarks))

    def change_since(self, then: Look) -> Change:
        """How far this look differs from an earlier one of the same person."""
        motion = umeyama(then.points, self.points)
        rest = np.linalg.norm(motion.apply(then.points) - self.points, axis=1)
        cosine = np.clip((np.trace(motion.rotation) - 1) / 2, -1, 1)
        return Change(
            expression=float(rest.mean()) / self.span_px,
            turn_deg=float(np.degrees(np.arccos(cosine))),
            size=abs(float(np.log(max(motion.scale, 1e-6)))),
            light=float(np.abs(self.shades - then.shades).mean()),
            opening=self.openings.opened_since(then.openings),
            shut=self.openings.shut_since(then.openings),
        )


@cache
def _parts() -> NDArray[np.float64]:
    """What averages vertices over six parts of the face, float64 (6, 468)."""
    x, y = CANONICAL.pos[:, 0], CANONICAL.pos[:, 1]
    column = (x > 0).astype(int)
    row = np.searchsorted(np.quantile(y, [1 / 3, 2 / 3]), y)
    member = (column * 3 + row)[None] == np.arange(6)[:, None]
    return np.asarray(member / member.sum(axis=1, keepdims=True), np.float64)
