"""Painting skin where a donor photo shows none: behind hair and glasses, and on the hidden side."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.stages.regions import ATLAS_PX, region_mask
from masquerade.stages.texels import (
    SEEN_PX,
    blur,
    blur_within,
    disc,
    enlarge,
    nearest_marked,
    sample,
    shrink,
    to_bytes,
    to_lab,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["clear_lenses", "coverage_of", "fill_skin", "hidden_eyes", "whole_eyes"]

_DETAIL_SIGMA, _GRAIN_SIGMA = 0.024, 0.006
"""In atlas widths: what the mirrored side lends (folds, nose wing), what grain is."""
_REACH = 0.08
"""Distance from seen skin, in atlas widths, over which painted skin is believed."""
_ENCLOSED = 31
"""Gaps up to this width, in texels of 256, are as good as seen: the frame of glasses."""
_MIRRORED_BELIEF = 0.85
_EYE_SEEN = 0.7
_LENS_SIGMA, _LENS_FOLDS = 0.014, 0.6
"""In atlas widths: what is wider than this, behind a lens, is the lens and not the face."""
_PORES = 2.0
"""Grain beyond this many deviations is a fold and is pressed down: pores repeat, folds do not."""


def fill_skin(
    texture: NDArray[np.uint8], trust: NDArray[np.float32], model: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Keep what is trusted and paint the rest.

    The paint is the skin model plus what the nearest skin differs from it; on that lie the
    features, the folds and the grain of the mirrored side, or the grain of the nearest skin where
    that side is no better.

    Args:
        texture: uint8 (1024, 1024, 3) BGR.
        trust: float32 (256, 256), 0..1.
        model: float32 (256, 256, 3) Lab, smooth skin.
    """
    pixels = texture.astype(np.float32)
    base = _base(texture, trust, model)
    paint = enlarge(base)
    lent = enlarge(np.clip(trust[:, ::-1] * 1.5 - 0.5, 0, 1))[..., None]
    detail = pixels - enlarge(blur(base, _DETAIL_SIGMA * SEEN_PX))
    paint += lent * detail[:, ::-1]
    if (trust >= 0.7).any():
        grain, known = _reflected_grain(pixels, trust)
        paint += (1 - lent) * known[..., None] * grain
    paint += enlarge(trust)[..., None] * (pixels - paint)
    return to_bytes(paint)


def clear_lenses(
    texture: NDArray[np.uint8],
    trust: NDArray[np.float32],
    model: NDArray[np.float32],
    lenses: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Take tint, glare and shadow of spectacle lenses away; folds and grain stay, softened.

    Args:
        texture: uint8 (1024, 1024, 3) BGR.
        trust: float32 (256, 256), 0..1.
        model: float32 (256, 256, 3) Lab, smooth skin.
        lenses: float32 (256, 256), 0..1, skin behind glass.
    """
    around = np.asarray(trust * (1 - 0.95 * lenses), np.float32)
    seen = np.asarray(trust * (1 - region_mask("eyes", SEEN_PX, 0.008)) + 1e-3, np.float32)
    low = blur_within(shrink(texture), seen, _LENS_SIGMA * SEEN_PX)
    through = blur(lenses, 1.5)[..., None]
    plain = texture + enlarge((_base(texture, around, model) - low) * through)
    # Glass doubles folds by its own reflections.
    folds = texture - enlarge(low)
    return to_bytes(plain - (1 - _LENS_FOLDS) * enlarge(through)[..., None] * folds)


def hidden_eyes(trust: NDArray[np.float32]) -> tuple[bool, bool]:
    """Whether the image's left and right eye are so badly seen that the other one is mirrored."""
    left, right = (
        float((trust * part).sum() / part.sum())
        for part in (region_mask(name, SEEN_PX) for name in ("left_eye", "right_eye"))
    )
    return left < _EYE_SEEN < right, right < _EYE_SEEN < left


def whole_eyes(trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """The trust with eyes that are hidden in part distrusted as wholes: no eye of two halves."""
    result = trust.copy()
    for name, hidden in zip(("left_eye", "right_eye"), hidden_eyes(trust), strict=True):
        if hidden:
            result *= 1 - region_mask(name, SEEN_PX, 0.03, 0.006)
    return result


def coverage_of(trust: NDArray[np.float32]) -> NDArray[np.uint8]:
    """How far each texel of the filled texture is the donor's, uint8 (1024, 1024).

    Args:
        trust: float32 (256, 256), 0..1, before filling.
    """
    known = cv2.morphologyEx((trust >= 0.5).astype(np.uint8), cv2.MORPH_CLOSE, disc(_ENCLOSED)) > 0
    away = nearest_marked(known)[1] if known.any() else np.full(trust.shape, 1e3)
    painted = np.exp(-((away / (_REACH * SEEN_PX)) ** 2))
    belief = np.maximum.reduce([trust, painted, _MIRRORED_BELIEF * trust[:, ::-1]])
    soft = blur(belief * region_mask("face", SEEN_PX), 1.5)
    return to_bytes(enlarge(soft) * 255)


def _base(
    texture: NDArray[np.uint8], trust: NDArray[np.float32], model: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Smooth skin everywhere, BGR 0..255: the model, corrected by the nearest trusted skin."""
    skin = trust * (1 - _features())
    off = _spread_inwards((to_lab(shrink(texture)) - model) * skin[..., None], skin)
    bgr = np.asarray(cv2.cvtColor(model + off, cv2.COLOR_Lab2BGR), np.float32)
    return np.clip(bgr, 0, 1) * np.float32(255)


def _spread_inwards(
    weighted: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Fill holes from their rims, coarse where they are wide (pull and push).

    Source: S. Gortler et al., "The lumigraph", SIGGRAPH 1996, section 3.4.
    """
    levels = [(weighted, weight)]
    while min(levels[-1][1].shape) > 2:
        part, share = (np.asarray(cv2.pyrDown(item), np.float32) for item in levels[-1])
        levels.append((part, share))
    filled = np.zeros_like(levels[-1][0])
    for part, share in reversed(levels):
        size = (share.shape[1], share.shape[0])
        filled = np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR), np.float32)
        known = np.clip(share * 2, 0, 1)[..., None]
        filled = known * part / np.maximum(share, 1e-4)[..., None] + (1 - known) * filled
    return filled


def _reflected_grain(
    pixels: NDArray[np.float32], trust: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grain of trusted skin, reflected at its rim: (1024, 1024, 3); and where there is any."""
    skin = np.asarray(trust * (1 - _features()), np.float32)
    (rows, columns), _ = nearest_marked(skin >= 0.7)
    v, u = np.mgrid[0:SEEN_PX, 0:SEEN_PX]
    there = np.stack([2 * columns - u, 2 * rows - v], axis=-1)
    there = np.clip(there, 0, SEEN_PX - 1).astype(np.float32)
    fine = pixels - blur(pixels, _GRAIN_SIGMA * ATLAS_PX)
    usual = _PORES * 1.4826 * float(np.median(np.abs(fine[::4, ::4][skin > 0.7]))) + 0.5
    grain = sample(usual * np.tanh(fine / usual), _mirrored_texels(there), cv2.INTER_NEAREST)
    return grain, enlarge(np.clip(sample(skin, there) * 2 - 0.6, 0, 1))


def _mirrored_texels(there: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places in the small atlas as places in the large one, each small texel turned about."""
    scale = ATLAS_PX // SEEN_PX
    return np.repeat(np.repeat(there * scale, scale, axis=0), scale, axis=1) + _turned_about()


@functools.cache
def _turned_about() -> NDArray[np.float32]:
    """Where each texel lies in its small texel once that is rotated by 180 degrees."""
    scale = ATLAS_PX // SEEN_PX
    last = scale - 1 - np.arange(ATLAS_PX) % scale
    return np.stack(np.meshgrid(last, last), axis=-1).astype(np.float32)


@functools.cache
def _features() -> NDArray[np.float32]:
    """Where the face is no plain skin, float32 (256, 256)."""
    names = ("eyes", "brows", "lips", "nostrils")
    together = np.maximum.reduce([region_mask(name, SEEN_PX, 0.015) for name in names])
    return np.asarray(together, np.float32)
