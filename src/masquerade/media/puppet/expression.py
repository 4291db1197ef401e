"""Expressions of a puppet: a jaw that opens, lips, lids, brows, gaze.

Each movement is given by a few vertices whose way is known (the handles) and carried over the
rest of the skin by a biharmonic field on the mesh: the smoothest one that meets the handles.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from masquerade.media.puppet.topology import (
    BROWS,
    EYES,
    IRISES,
    JAW_WEIGHTS,
    LOWER_LIP,
    MOUTH_CORNERS,
    STILL,
    UPPER_LIP,
    skin_triangles,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Expression", "Muscles"]

_COUNT = 468
_JAW_RADIANS = 0.33
_JAW_AXIS_YZ = (0.0, -2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """What the face does. 0 is the portrait's own face, 1 the full movement.

    ``smile`` may be negative (corners down); gaze is -1..1, x to the image's right, y up;
    ``blink_right`` is the person's right eye, on the image's left.
    """

    jaw: float = 0.0
    smile: float = 0.0
    pucker: float = 0.0
    brow: float = 0.0
    frown: float = 0.0
    blink_right: float = 0.0
    blink_left: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """Field names to values."""
        return {item.name: float(getattr(self, item.name)) for item in fields(self)}


class Muscles:
    """The movements of one head.

    Args:
        rest: float (478, 3) centimetres in the canonical face's axes: x to the image's right,
            y up, z towards the viewer. The face at rest, irises included.
    """

    def __init__(self, rest: NDArray[np.float64]) -> None:
        self._rest = rest
        self._fields = {
            "jaw": _jaw(rest),
            "smile": _smile(rest),
            "pucker": _pucker(rest),
            "brow": _brow(),
            "frown": _frown(rest),
            "blink_right": _blink(rest, 0),
            "blink_left": _blink(rest, 1),
        }

    def pull(self, expression: Expression) -> NDArray[np.float64]:
        """Points of the face with the expression, float64 (478, 3) centimetres."""
        points = self._rest.copy()
        for name, field in self._fields.items():
            points[:_COUNT] += getattr(expression, name) * field
        for side, iris in enumerate(IRISES):
            points[list(iris)] += self.gaze_shift(expression, side)
        return points

    def gaze_shift(self, expression: Expression, side: int) -> NDArray[np.float64]:
        """How far the iris of an eye travels, float64 (3,) centimetres."""
        eye = EYES[side]
        width = float(np.linalg.norm(self._rest[eye.outer] - self._rest[eye.inner]))
        return np.array([0.2 * expression.gaze_x, 0.09 * expression.gaze_y, 0.0]) * width


def _solve(handles: dict[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Biharmonic field (468, 3) through the displacements of the handles."""
    system = _bilaplacian()
    fixed = np.fromiter(handles, dtype=np.int64)
    free = np.setdiff1d(np.arange(_COUNT), fixed)
    known = np.stack([handles[int(i)] for i in fixed])
    field = np.zeros((_COUNT, 3))
    field[fixed] = known
    field[free] = np.linalg.solve(system[np.ix_(free, free)], -system[np.ix_(free, fixed)] @ known)
    return field


@cache
def _bilaplacian() -> NDArray[np.float64]:
    """Squared graph Laplacian of the skin, float64 (468, 468).

    The eyes and the mouth are holes in it, so the lips know nothing of each other.
    """
    edges = np.zeros((_COUNT, _COUNT))
    tri = skin_triangles()
    for a, b in ((0, 1), (1, 2), (2, 0)):
        edges[tri[:, a], tri[:, b]] = edges[tri[:, b], tri[:, a]] = 1.0
    laplacian = np.diag(edges.sum(axis=1)) - edges
    return laplacian @ laplacian + 1e-9 * np.eye(_COUNT)


def _still(*groups: tuple[int, ...] | list[int]) -> dict[int, NDArray[np.float64]]:
    return {i: np.zeros(3) for group in (STILL, *groups) for i in group}


def _eyes_and_brows() -> list[int]:
    return [i for eye in EYES for i in (*eye.ring, *eye.crease)] + [i for b in BROWS for i in b]


def _jaw(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    handles = _still(_eyes_and_brows(), UPPER_LIP)
    y, z = (rest[:_COUNT, 1] - _JAW_AXIS_YZ[0], rest[:_COUNT, 2] - _JAW_AXIS_YZ[1])
    swing = np.stack([np.zeros(_COUNT), -z, y], axis=1) * _JAW_RADIANS
    weights = {**dict.fromkeys(LOWER_LIP, 1.0), **JAW_WEIGHTS}
    handles |= {i: weight * swing[i] for i, weight in weights.items()}
    # The lower lip hangs in an arc between the corners, which follow less.
    for row in range(0, len(LOWER_LIP), 9):
        for k, i in enumerate(LOWER_LIP[row : row + 9]):
            handles[i] = swing[i] * (0.55 + 0.45 * np.sin(np.pi * (k + 1) / 10) ** 0.6)
    for sign, corner in zip((1.0, -1.0), MOUTH_CORNERS, strict=True):
        for i in corner:
            handles[i] = 0.36 * swing[i] + np.array([0.35 * sign, 0.0, 0.0])
    return _solve(handles)


def _corners(
    rest: NDArray[np.float64], outwards: float, up: float, forward: float
) -> dict[int, NDArray[np.float64]]:
    """Handles of both lips for a movement of the mouth's corners, fading to the middle."""
    right, left = rest[61], rest[291]
    middle, half = (right + left) / 2, np.linalg.norm(left - right) / 2
    handles = {}
    for i in (*UPPER_LIP, *LOWER_LIP, *MOUTH_CORNERS[0], *MOUTH_CORNERS[1]):
        across = float(np.clip((rest[i, 0] - middle[0]) / half, -1.0, 1.0))
        handles[i] = np.array([outwards * across, up * across**2, forward * across**2])
    return handles


def _smile(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    handles = _still(_eyes_and_brows(), list(JAW_WEIGHTS)) | _corners(rest, 0.55, 0.5, -0.35)
    for cheek in (50, 280, 205, 425, 187, 411):
        handles[cheek] = np.array([0.1 * np.sign(rest[cheek, 0]), 0.28, 0.15])
    return _solve(handles)


def _pucker(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    handles = _still(_eyes_and_brows(), list(JAW_WEIGHTS)) | _corners(rest, -0.75, 0.0, -0.1)
    for i in (*UPPER_LIP, *LOWER_LIP):
        handles[i] = handles[i] + np.array([0.0, 0.0, 0.45])
    return _solve(handles)


def _brow() -> NDArray[np.float64]:
    handles = _still([i for eye in EYES for i in eye.ring], [61, 291, 152])
    for brow in BROWS:
        for i in brow:
            handles[i] = np.array([0.0, 0.75, -0.1])
    return _solve(handles)


def _frown(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    handles = _still([i for eye in EYES for i in eye.ring], [61, 291, 152])
    for brow in BROWS:
        for i in brow:
            inner = float(np.clip(1.4 - abs(rest[i, 0]) / 3.5, 0.0, 1.0))
            handles[i] = np.array([-0.22 * np.sign(rest[i, 0]), -0.4, 0.1]) * inner
    return _solve(handles)


def _blink(rest: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    eye, other = EYES[side], EYES[1 - side]
    handles = _still(
        [*other.ring, *other.crease, *BROWS[0], *BROWS[1], eye.outer, eye.inner, 61, 291, 152]
    )
    for upper, lower, crease in zip(eye.upper, eye.lower, eye.crease, strict=True):
        way = rest[lower] - rest[upper]
        # The lid slides over the eyeball, so it comes forward half way.
        handles[upper] = 0.9 * way + np.array([0.0, 0.0, 0.08])
        handles[lower] = -0.1 * way
        handles[crease] = 0.42 * way
    return _solve(handles)
