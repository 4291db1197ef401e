"""What of an unwrapped photo is the donor's face, and what is hair, hat, glasses or background.

What differs from smooth skin under the photo's light and touches the rim is no skin; what differs
amid the face (a mole, a fold) is the donor's own.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.models.canonical import CANONICAL
from masquerade.stages.glasses import find_glasses
from masquerade.stages.regions import region_mask
from masquerade.stages.skin_model import exposure, fit_skin
from masquerade.stages.texels import SEEN_PX, blur, disc, shrink, to_lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Skin", "find_skin", "skin_model"]

_SKIN_CHI2, _CHI2_SLOPE = 9.0, 6.0
"""Squared distance in deviations up to which a texel is surely skin, and how fast trust ends."""
_STRANGE_HUE_CHI2 = 60.0
"""A hue that no fold, lip or brow has; beyond it even the middle of the face is hidden."""


@dataclass(frozen=True, slots=True)
class Skin:
    """Where the donor's face is to be seen, and how its skin is lit.

    Attributes:
        trust: float32 (256, 256), 0..1: 1 is the donor's face, well seen.
        model: float32 (256, 256, 3) Lab: smooth skin under the photo's light.
        glasses: 0..1, how surely the donor wears glasses.
        lenses: float32 (256, 256), 1 where skin is seen through glass, eyes left out.
        covered: share of the seen face that something hides, 0..1.
        beard: whether the lower face is hairy.
    """

    trust: NDArray[np.float32]
    model: NDArray[np.float32]
    glasses: float
    lenses: NDArray[np.float32]
    covered: float
    beard: bool


def find_skin(texture: NDArray[np.uint8], seen: NDArray[np.float32]) -> Skin:
    """Tell the face from what hides it.

    Args:
        texture: uint8 (S, S, 3) BGR atlas, S a multiple of 256.
        seen: float32 (256, 256), 0..1, visibility.
    """
    small = shrink(texture)
    gain = exposure(small, seen)
    lab = to_lab(np.minimum(small * gain, 255))
    smooth = blur(lab, 1.2)
    model, deviation = fit_skin(smooth, seen)
    by_channel = ((smooth - model) / deviation) ** 2
    chi2 = by_channel.sum(-1)
    strict = _SKIN_CHI2 * (0.6 + 0.4 * _zones().depth)
    skin = np.clip((strict + _CHI2_SLOPE - chi2) / _CHI2_SLOPE, 0, 1).astype(np.float32)
    foreign = _touching_rim(1 - skin, by_channel[..., 1:].sum(-1) > _STRANGE_HUE_CHI2, seen)
    beard = _has_beard(chi2, smooth - model, seen)
    if beard:
        foreign *= 1 - _zones().beard
    glasses = find_glasses(lab, model, deviation)
    hidden = np.maximum(_widened(foreign), blur(glasses.frame, 0.8))
    trust = seen * (1 - hidden) * _zones().face
    foreign = np.maximum(foreign, glasses.frame)
    return Skin(
        trust.astype(np.float32),
        _darkened(model, gain),
        glasses.sure,
        glasses.lenses,
        float((foreign * seen * _zones().face).sum() / max(1.0, (seen * _zones().face).sum())),
        beard,
    )


def _widened(foreign: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is foreign and a soft rim about it: hair stains the skin beside it."""
    sure = (foreign > 0.3).astype(np.float32)
    wide = np.asarray(cv2.dilate(sure, disc(13)), np.float32) * (1 - _zones().features)
    return blur(np.maximum(wide, sure), 2.0)


def _darkened(model: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """A Lab model of the brightened photo as one of the photo."""
    bgr = np.asarray(cv2.cvtColor(model, cv2.COLOR_Lab2BGR), np.float32)
    return to_lab(np.clip(bgr, 0, 1) * np.float32(255 / gain))


def skin_model(texture: NDArray[np.uint8], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smooth skin under the texture's light, float32 (256, 256, 3) Lab.

    Args:
        texture: uint8 (S, S, 3) BGR atlas, S a multiple of 256.
        trust: float32 (256, 256), 0..1.
    """
    return fit_skin(blur(to_lab(shrink(texture)), 1.2), trust)[0]


@dataclass(frozen=True, slots=True)
class _Zones:
    """Masks of the canonical face, float32 (256, 256)."""

    face: NDArray[np.float32]
    features: NDArray[np.float32]
    """Eyes, brows, lips, nostrils: no skin, and the donor's own."""
    inner: NDArray[np.float32]
    """The middle of the face, where nothing touches the rim and folds are deep."""
    beard: NDArray[np.float32]
    depth: NDArray[np.float32]
    """0 at the rim, 1 from a tenth of the atlas inwards."""


def _polygon(*vertices: int) -> NDArray[np.float32]:
    mask = np.zeros((SEEN_PX, SEEN_PX), np.float32)
    hull = cv2.convexHull((CANONICAL.uv[list(vertices)] * SEEN_PX - 0.5).astype(np.float32))
    cv2.fillConvexPoly(mask, np.round(hull * 16).astype(np.int32), 1.0, shift=4)
    return mask


@functools.cache
def _zones() -> _Zones:
    face = region_mask("face", SEEN_PX)
    features = np.maximum.reduce(
        [
            region_mask("eyes", SEEN_PX, 0.02),
            region_mask("brows", SEEN_PX, 0.015),
            region_mask("lips", SEEN_PX, 0.015),
            region_mask("nostrils", SEEN_PX, 0.005),
        ]
    )
    inner = _polygon(111, 340, 50, 280, 207, 427, 202, 422, 211, 431, 200, 9, 55, 285)
    distance = cv2.distanceTransform((face > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    return _Zones(
        face=face,
        features=features,
        inner=np.maximum(inner, features),
        beard=_polygon(93, 323, 132, 361, 58, 288, 152, 148, 377, 2, 205, 425),
        depth=np.clip(distance / (0.1 * SEEN_PX), 0, 1),
    )


def _touching_rim(
    foreign: NDArray[np.float32], strange_hue: NDArray[np.bool_], seen: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Of the texels unlike skin those that reach the rim of the seen face, or are a large patch."""
    zones = _zones()
    spared = np.maximum(zones.inner * (seen > 0.6) * ~strange_hue, zones.features)
    candidate = foreign * (1 - spared) * zones.face
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (candidate > 0.3).astype(np.uint8), connectivity=4
    )
    rim = (zones.depth < 0.12) | (seen < 0.3)
    keep = np.zeros(count, np.float32)
    keep[np.unique(labels[rim])] = 1
    keep[stats[:, cv2.CC_STAT_AREA] > 0.015 * zones.face.sum()] = 1
    keep[0] = 0
    return np.asarray(candidate * keep[labels], np.float32)


def _has_beard(
    chi2: NDArray[np.float32], off: NDArray[np.float32], seen: NDArray[np.float32]
) -> bool:
    """Hair about the mouth: the moustache's and the chin's places are mostly dark."""
    places = np.maximum(_polygon(164, 167, 393, 92, 322, 2), _polygon(18, 200, 32, 262, 175))
    places = places * (seen > 0.5) * (1 - region_mask("lips", SEEN_PX, 0.01))
    hairy = (chi2 > _SKIN_CHI2) & (off[..., 0] < -6)
    return bool((hairy * places).sum() > 0.45 * max(1.0, places.sum()))
