"""Glasses on an unwrapped face: whether there are any, and which texels they cover.

Skin about an eye has folds here and there; a frame goes all the way round. So the texels about
each eye are read in rings, and the one closed path that looks least like skin is searched by
dynamic programming. The frame is that path and what hangs together with it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.models.canonical import CANONICAL
from masquerade.stages.regions import EYES, region_mask
from masquerade.stages.texels import SEEN_PX, blur, disc, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Glasses", "find_glasses"]

_ANGLES, _RADII, _NEAR_RADII = 64, 50, 40
_NEAREST, _FARTHEST, _FLATNESS = 1.25, 3.3, 0.85
"""The rings about an eye, in half eye widths; they are a little flatter than circles."""
_LINE_CHI2, _LINE_CONTRAST = 18.0, 7.0
_SURE_FROM, _SURE_AT = 0.45, 0.65
_SPREAD_STEPS = 9
_OUTWARDS = 1.2
_BELOW_BROWS = slice(2, _ANGLES // 2 - 2)
"""Angles at which only a frame is expected to be strange: below and beside the eye."""
_BRIDGE = (168, 6, 197, 193, 417, 245, 465)
_ARMS = ((33, 35, 127, 139, 34), (263, 265, 356, 368, 264))


@dataclass(frozen=True, slots=True)
class Glasses:
    """What was found.

    Attributes:
        sure: 0..1, how surely there are glasses.
        frame: float32 (256, 256), 1 where the frame hides skin; empty where ``sure`` is below 0.5.
        lenses: float32 (256, 256), the same for skin that is seen through glass.
    """

    sure: float
    frame: NDArray[np.float32]
    lenses: NDArray[np.float32]


def find_glasses(
    lab: NDArray[np.float32], model: NDArray[np.float32], deviation: NDArray[np.float64]
) -> Glasses:
    """Search for a frame.

    Args:
        lab: float32 (256, 256, 3), the unwrapped face, Lab.
        model: float32 (256, 256, 3), smooth skin, Lab.
        deviation: (3,), standard deviation of skin about it.
    """
    fine = blur(lab, 0.7)
    off = fine - model
    chi2 = ((off / deviation) ** 2).sum(-1).astype(np.float32)
    light = fine[..., 0]
    dark = cv2.morphologyEx(light, cv2.MORPH_CLOSE, disc(15)) - light
    # Bright frames and glare count by their colour, dark ones by both.
    strange = np.minimum(chi2 / _LINE_CHI2, 2) + np.minimum(dark / _LINE_CONTRAST, 2)
    rings = [sample(strange, _rings(eye)) for eye in range(2)]
    around = np.mean([_unbroken(ring) for ring in rings])
    sure = float(np.clip((around - _SURE_FROM) / (_SURE_AT - _SURE_FROM), 0, 1))
    if sure < 0.5:
        return Glasses(sure, np.zeros_like(light), np.zeros_like(light))
    bright = np.asarray(light - cv2.morphologyEx(light, cv2.MORPH_OPEN, disc(9)), np.float32)
    line = np.maximum(dark, bright)
    rims = [_rim_line(eye, ring, sample(bright, _rings(eye))) for eye, ring in enumerate(rings)]
    frame = _grown(rims, chi2, line, off[..., 0])
    return Glasses(sure, frame, _inside(rims).astype(np.float32))


def _unbroken(ring: NDArray[np.float32]) -> float:
    """Share of the best closed path about an eye that is no skin, 0..1."""
    along = ring[np.arange(_ANGLES), _closed_path(ring[:, :_NEAR_RADII])]
    return float((along > 1.6)[_BELOW_BROWS].mean())


def _rim_line(
    eye: int, ring: NDArray[np.float32], bright: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The frame about one eye as a closed line, float32 (angles, 2), texels of 256.

    Once there are glasses, the outermost closed line is the rim; those within are lids and bags.
    """
    outwards = np.linspace(0, _OUTWARDS, _RADII, dtype=np.float32)
    gain = ring + np.minimum(bright / _LINE_CONTRAST, 2) + outwards
    return _rings(eye)[np.arange(_ANGLES), _closed_path(gain)]


def _inside(rims: list[NDArray[np.float32]]) -> NDArray[np.bool_]:
    lenses = np.zeros((SEEN_PX, SEEN_PX), np.uint8)
    for line in rims:
        cv2.fillPoly(lenses, [np.round(line * 16).astype(np.int32)], 1, shift=4)
    return _dilated(lenses > 0, disc(9)) & (region_mask("eyes", SEEN_PX, 0.008) < 0.5)


def _grown(
    rims: list[NDArray[np.float32]],
    chi2: NDArray[np.float32],
    line: NDArray[np.float32],
    off_light: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The path widened by what is connected to it and as strange: thick rims, bridge, arms."""
    brows = region_mask("brows", SEEN_PX, 0.008) > 0.5
    strange = ((chi2 > _LINE_CHI2) | (line > _LINE_CONTRAST)) & _place()
    # Brows are dark too: only what is darker than most of them belongs to a frame.
    strange &= ~brows | (off_light < -28)
    rim, lower = np.zeros((2, SEEN_PX, SEEN_PX), np.uint8)
    for line_of_rim in rims:
        outline = np.round(line_of_rim * 16).astype(np.int32)
        cv2.polylines(rim, [outline], True, 1, 2, shift=4)
        cv2.polylines(lower, [outline[_BELOW_BROWS]], False, 1, 3, shift=4)
    mask = (rim > 0) & strange
    for _ in range(_SPREAD_STEPS):
        mask = _dilated(mask, disc(3)) & strange
    count, labels = cv2.connectedComponents((strange & _bridge_and_arms()).astype(np.uint8))
    for number in range(1, count):
        part = labels == number
        if (part & mask).any():
            mask |= part
    # Below the eye nothing but skin is lost, so there even a clear rim goes whole.
    return (_dilated(mask | (lower > 0), disc(7)) & _place()).astype(np.float32)


def _dilated(mask: NDArray[np.bool_], element: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), element), np.bool_)


@functools.cache
def _rings(eye: int) -> NDArray[np.float32]:
    """Where angle and radius lie in the atlas: float32 (angles, radii, 2), texels of 256."""
    lids = CANONICAL.uv[list(EYES[eye])] * SEEN_PX - 0.5
    centre, half = lids.mean(0), float(np.ptp(lids[:, 0])) / 2
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)[:, None]
    radius = np.linspace(_NEAREST, _FARTHEST, _RADII)[None] * half
    where = [centre[0] + np.cos(angle) * radius, centre[1] + np.sin(angle) * radius * _FLATNESS]
    return np.stack(where, -1).astype(np.float32)


def _closed_path(gain: NDArray[np.float32]) -> NDArray[np.intp]:
    """One radius per angle, neighbours at most one apart, with the largest sum of gains."""
    radii = gain.shape[1]
    back, choices = [], np.full((3, radii), -1e9)
    choices[1] = gain[0]
    for row in np.concatenate([gain[1:], gain]):
        step = choices.argmax(0)
        best = choices[step, np.arange(radii)] + row
        back.append(step - 1)
        choices[0, 1:], choices[1], choices[2, :-1] = best[:-1] - 0.05, best, best[1:] - 0.05
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(path[-1] + int(step[path[-1]]))
    # Twice around: the second lap no longer knows where the first began, so it closes.
    return np.array(path[::-1])[_ANGLES // 2 : _ANGLES // 2 + _ANGLES].take(
        np.arange(_ANGLES) - _ANGLES // 2, mode="wrap"
    )


@functools.cache
def _place() -> NDArray[np.bool_]:
    """Where a frame can be: about the eyes, not in them, and on to the ears."""
    wide = region_mask("eyes", SEEN_PX, 0.12) > 0.5
    return (wide | _bridge_and_arms()) & (region_mask("eyes", SEEN_PX, 0.012) < 0.5)


@functools.cache
def _bridge_and_arms() -> NDArray[np.bool_]:
    mask = np.zeros((SEEN_PX, SEEN_PX), np.uint8)
    for part in (
        (168, 6, 197, 193, 417, 245, 465),
        (33, 35, 127, 139, 34),
        (263, 265, 356, 368, 264),
    ):
        hull = cv2.convexHull((CANONICAL.uv[list(part)] * SEEN_PX - 0.5).astype(np.float32))
        cv2.fillConvexPoly(mask, np.round(hull * 16).astype(np.int32), 1, shift=4)
    return mask > 0
