"""A face's own shape: its mesh turned to the canonical pose, with the expression taken out.

A donor photo may smile or speak. What the smile does to the points is not the donor's shape and
must not be carried over, so lips and lids may only move as groups, the part of the jaw that the
mouth's opening explains is put back, and the rest is smoothed over the mesh.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.mesh import Similarity, smooth_over_mesh, umeyama
from masquerade.models.canonical import CANONICAL
from masquerade.stages.regions import BROWS, EYES, LIPS, MESH_COUNT, mirror_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["expression_of", "neutral_shape", "pose_of", "to_canonical", "to_pixels", "turn_degrees"]

_UPPER_LIP, _LOWER_LIP, _CORNERS = 13, 14, (61, 291)
_LOWER_LIPS = (
    146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307,
    96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324,
)  # fmt: skip
_LIP_CORNERS = (61, 291, 76, 306, 62, 292, 78, 308)
_UPRIGHT = np.array([1.0, -1.0, -1.0])
"""Photo pixels have y down and z away from the camera; the canonical frame has both reversed."""
_JAW_AXIS_Y, _JAW_AXIS_Z = 0.5, -2.0
"""The hinge of the jaw in the canonical frame, cm: a line through both ears."""
_GRIN_LIFT_CM = 0.6
"""A full smile lifts the corners of the mouth by this much over the middle of the lips."""
_LID_OPENING, _BROW_RAISE = 0.5, 0.5
"""How much of the lids' opening and the brows' height is taken for shape, not expression."""


def pose_of(points: NDArray[np.floating]) -> Similarity:
    """The similarity from photo pixels (y, z reversed) to the canonical frame, cm.

    The fit rests on forehead, nose, eyes and cheekbones; lips and jaw, which speak, hardly count.

    Args:
        points: (468 or more, 3) photo pixels, z away from the camera.
    """
    return umeyama(points[:MESH_COUNT] * _UPRIGHT, CANONICAL.pos, _steady_weights())


def to_pixels(offsets_cm: NDArray[np.floating], pose: Similarity) -> NDArray[np.float64]:
    """Offsets (N, 3) of the canonical frame as offsets in the picture, pixels.

    Args:
        offsets_cm: cm, y up.
        pose: as :func:`pose_of` gives it.
    """
    return np.asarray(offsets_cm @ pose.rotation / pose.scale * _UPRIGHT)


def to_canonical(offsets_px: NDArray[np.floating], pose: Similarity) -> NDArray[np.float64]:
    """The inverse of :func:`to_pixels`."""
    return np.asarray(pose.scale * (offsets_px * _UPRIGHT) @ pose.rotation.T)


def turn_degrees(pose: Similarity) -> tuple[float, float]:
    """Yaw and pitch of a head in degrees: positive yaw looks to the image's right, pitch up."""
    forward = pose.rotation.T @ np.array([0.0, 0.0, 1.0])
    yaw = np.degrees(np.arctan2(forward[0], forward[2]))
    pitch = np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))
    return float(yaw), float(pitch)


def neutral_shape(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """The face's shape in the canonical frame, cm, float32 (468, 3), without its expression.

    Args:
        points: (468 or more, 3) photo pixels, z away from the camera.
    """
    pose = pose_of(points)
    delta = pose.apply(points[:MESH_COUNT] * _UPRIGHT) - CANONICAL.pos
    delta -= _jaw_opening(delta)
    smile = _smile(delta)
    delta *= 1 - 0.6 * smile * _near_mouth()[:, None]
    delta = _symmetric(delta, turn_degrees(pose)[0])
    delta = smooth_over_mesh(_grouped(delta, smile), CANONICAL.tri, 3)
    return (CANONICAL.pos + _grouped(delta, 0.0)).astype(np.float32)


def expression_of(points: NDArray[np.floating]) -> tuple[float, float]:
    """How far the lips are apart, in cm of the canonical face, and how much the face smiles, 0..1.

    Args:
        points: (468 or more, 3) photo pixels, z away from the camera.
    """
    delta = pose_of(points).apply(points[:MESH_COUNT] * _UPRIGHT) - CANONICAL.pos
    gap = max(0.0, float(delta[_UPPER_LIP, 1] - delta[_LOWER_LIP, 1]))
    return gap, _smile(delta - _jaw_opening(delta))


def _jaw_opening(delta: NDArray[np.float64]) -> NDArray[np.float64]:
    """What opening the mouth did to each vertex: the jaw turned about its hinge, (468, 3)."""
    pos = CANONICAL.pos.astype(np.float64)
    gap = max(0.0, float(delta[_UPPER_LIP, 1] - delta[_LOWER_LIP, 1]))
    arm_y, arm_z = pos[:, 1] - _JAW_AXIS_Y, pos[:, 2] - _JAW_AXIS_Z
    turn = gap / float(arm_z[_LOWER_LIP])
    moved = np.zeros_like(pos)
    moved[:, 1] = -turn * arm_z
    moved[:, 2] = turn * arm_y
    moved *= _jaw_weights()[:, None]
    return moved


def _smile(delta: NDArray[np.float64]) -> float:
    """0..1 by how far the corners of the mouth stand above the lips' mean."""
    lift = delta[list(_CORNERS), 1].mean() - delta[list(LIPS), 1].mean()
    return float(np.clip(lift / _GRIN_LIFT_CM, 0, 1))


def _grouped(delta: NDArray[np.float64], smile: float) -> NDArray[np.float64]:
    """Lips, each eye's lids and each brow moved as wholes, the rest as it is."""
    result = delta.copy()
    _move_group(result, np.array(LIPS), across=1 - smile, along=0.0)
    for lids in EYES:
        _move_group(result, np.array(lids), across=1.0, along=_LID_OPENING)
    for lids, brow in zip(EYES, BROWS, strict=True):
        eye_y, brow_y = result[list(lids), 1].mean(), result[list(brow), 1].mean()
        result[list(brow), 1] -= (1 - _BROW_RAISE) * (brow_y - eye_y)
    return result


def _move_group(
    delta: NDArray[np.float64], group: NDArray[np.intp], across: float, along: float
) -> None:
    """Replace a group's offsets by shift and scale; the scale of width and height is damped."""
    pos = CANONICAL.pos[group].astype(np.float64)
    centred = pos - pos.mean(0)
    shift = delta[group].mean(0)
    for axis, keep in ((0, across), (1, along)):
        scale = float(centred[:, axis] @ delta[group, axis] / (centred[:, axis] @ centred[:, axis]))
        delta[group, axis] = shift[axis] + keep * scale * centred[:, axis]
    delta[group, 2] = shift[2]


def _symmetric(delta: NDArray[np.float64], yaw: float) -> NDArray[np.float64]:
    """Drawn towards the mean of both sides, the more the further the head is turned.

    The side that a turned head hides is the network's guess.
    """
    other = delta[mirror_index()[:MESH_COUNT]] * np.array([-1.0, 1.0, 1.0])
    share = float(np.clip(0.4 + abs(yaw) / 60, 0.4, 1.0))
    return np.asarray((1 - share / 2) * delta + share / 2 * other)


@functools.cache
def _steady_weights() -> NDArray[np.float64]:
    y = CANONICAL.pos[:, 1].astype(np.float64)
    weights = 0.1 + 0.9 * np.clip((y + 5.0) / 3.0, 0, 1)
    weights[list(LIPS)] = 0.05
    for brow in BROWS:
        weights[list(brow)] = 0.3
    return weights


@functools.cache
def _jaw_weights() -> NDArray[np.float64]:
    """1 for what is fixed to the lower jaw, 0 for what is fixed to the skull."""
    y = CANONICAL.pos[:, 1].astype(np.float64)
    weights = np.clip((float(y[_LOWER_LIP]) + 0.2 - y) / 1.2, 0, 1)
    weights[list(LIPS)] = 0.0
    weights[list(_LOWER_LIPS)] = 1.0
    weights[list(_LIP_CORNERS)] = 0.5
    return np.asarray(weights)


@functools.cache
def _near_mouth() -> NDArray[np.float64]:
    """1 at the corners of the mouth, falling to 0 within 3 cm: the cheeks that a smile pushes."""
    apart = np.linalg.norm(CANONICAL.pos[:, None] - CANONICAL.pos[list(_CORNERS)][None], axis=-1)
    return np.asarray(np.clip(1.3 - apart.min(1) / 2.5, 0, 1))
