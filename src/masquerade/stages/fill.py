"""Painting skin where a donor photo shows none: behind hair and glasses, and on the hidden side."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.stages.regions import ATLAS_PX, region_mask
from masquerade.stages.unwrap import SEEN_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["coverage_of", "even_light", "fill_skin"]

_DETAIL_SIGMA, _GRAIN_SIGMA = 0.024, 0.006
"""In atlas widths: what the mirrored side lends (folds, nose wing), what grain is."""
_REACH = 0.08
"""Distance from seen skin, in atlas widths, over which painted skin is believed."""
_MIRRORED_BELIEF = 0.85


def fill_skin(
    texture: NDArray[np.uint8], trust: NDArray[np.float32], model: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Keep what is trusted and paint the rest.

    The paint is the skin model plus what the nearest skin differs from it; on that lie the folds
    and the grain of the mirrored side, or the grain of the nearest skin where that side is no
    better.

    Args:
        texture: uint8 (1024, 1024, 3) BGR.
        trust: float32 (256, 256), 0..1.
        model: float32 (256, 256, 3) Lab, smooth skin.
    """
    pixels = texture.astype(np.float32)
    base = _base(texture, trust, model)
    detail = _high_pass(pixels, trust, _DETAIL_SIGMA)
    other = trust[:, ::-1]
    lent = _enlarge(np.clip(other * 1.5 - 0.5, 0, 1))[..., None]
    grain, known = _reflected_grain(pixels, trust)
    paint = _enlarge(base) + lent * detail[:, ::-1] + (1 - lent) * known * grain
    keep = _enlarge(trust)[..., None]
    return np.clip(pixels * keep + paint * (1 - keep) + 0.5, 0, 255).astype(np.uint8)


def coverage_of(trust: NDArray[np.float32]) -> NDArray[np.uint8]:
    """How far each texel of the filled texture is the donor's, uint8 (1024, 1024).

    Args:
        trust: float32 (256, 256), 0..1, before filling.
    """
    face = region_mask("face", SEEN_PX)
    near = cv2.distanceTransform((trust < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    painted = np.exp(-((near / (_REACH * SEEN_PX)) ** 2))
    belief = np.maximum.reduce([trust, painted, _MIRRORED_BELIEF * trust[:, ::-1]]) * face
    return np.clip(_enlarge(cv2.GaussianBlur(belief, (0, 0), 1.5)) * 255 + 0.5, 0, 255).astype(
        np.uint8
    )


def even_light(texture: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Draw the light of both sides together: 0 leaves it, 1 makes the low frequencies symmetric.

    Args:
        texture: uint8 (1024, 1024, 3) BGR, filled.
        amount: 0..1.
    """
    face = region_mask("face", SEEN_PX)
    small = cv2.resize(texture, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA)
    low = _normalised_blur(small.astype(np.float32), face, 0.07 * SEEN_PX) + 4.0
    gain = np.clip((low[:, ::-1] / low) ** (amount / 2), 0.5, 2.0).astype(np.float32)
    return np.clip(texture * _enlarge(gain) + 0.5, 0, 255).astype(np.uint8)


def _base(
    texture: NDArray[np.uint8], trust: NDArray[np.float32], model: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Smooth skin everywhere, BGR 0..255: the model, corrected by the nearest trusted skin."""
    small = cv2.resize(texture, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
    skin = trust * (1 - _features())
    off = _spread_inwards((lab - model) * skin[..., None], skin)
    bgr = cv2.cvtColor(model + off, cv2.COLOR_Lab2BGR)
    return np.asarray(np.clip(bgr, 0, 1) * 255, np.float32)


def _spread_inwards(
    weighted: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Fill holes from their rims, coarse where they are wide (pull and push).

    Source: S. Gortler et al., "The lumigraph", SIGGRAPH 1996, section 3.4.
    """
    levels = [(weighted, weight)]
    while min(levels[-1][1].shape) > 2:
        levels.append(tuple(cv2.pyrDown(part) for part in levels[-1]))  # type: ignore[arg-type]
    filled = np.zeros_like(levels[-1][0])
    for part, share in reversed(levels):
        size = (share.shape[1], share.shape[0])
        if filled.shape[:2] != share.shape:
            filled = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        known = np.clip(share * 2, 0, 1)[..., None]
        filled = known * part / np.maximum(share, 1e-4)[..., None] + (1 - known) * filled
    return filled


def _high_pass(
    pixels: NDArray[np.float32], trust: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """Texture less its own low-pass, which looks only at trusted texels."""
    small = cv2.resize(pixels, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA)
    return pixels - _enlarge(_normalised_blur(small, trust + 1e-3, sigma * SEEN_PX))


def _reflected_grain(
    pixels: NDArray[np.float32], trust: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grain of trusted skin, reflected at its rim, and where there is any."""
    skin = trust * (1 - _features())
    away, nearest = cv2.distanceTransformWithLabels(
        (skin < 0.7).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(skin >= 0.7)
    if not len(rows):
        return np.zeros_like(pixels), np.zeros((*pixels.shape[:2], 1), np.float32)
    place = np.zeros((int(nearest.max()) + 1, 2), np.float32)
    place[nearest[rows, columns]] = np.stack([columns, rows], axis=1)
    here = np.stack(np.meshgrid(np.arange(SEEN_PX), np.arange(SEEN_PX)), -1).astype(np.float32)
    there = np.where(away[..., None] > 0, 2 * place[nearest] - here, here)
    there = np.clip(there, 0, SEEN_PX - 1).astype(np.float32)
    scale = ATLAS_PX / SEEN_PX
    where = cv2.resize(there, (ATLAS_PX, ATLAS_PX), interpolation=cv2.INTER_NEAREST)
    inside = np.stack(np.meshgrid(np.arange(ATLAS_PX), np.arange(ATLAS_PX)), -1) % scale
    where = (where + 0.5) * scale - 0.5 - (inside + 0.5 - scale / 2)
    fine = pixels - cv2.GaussianBlur(pixels, (0, 0), _GRAIN_SIGMA * ATLAS_PX)
    # Pores may repeat, folds may not: what stands out of the grain is pressed down.
    usual = 2.0 * 1.4826 * float(np.median(np.abs(fine[_enlarge(skin) > 0.7]))) + 0.5
    fine = usual * np.tanh(fine / usual)
    good = cv2.remap(skin, there, None, cv2.INTER_LINEAR)
    grain = cv2.remap(fine, where.astype(np.float32), None, cv2.INTER_LINEAR)
    return grain, _enlarge(np.clip(good * 2 - 0.6, 0, 1))[..., None]


@functools.cache
def _features() -> NDArray[np.float32]:
    """Where the face is no plain skin, float32 (256, 256)."""
    return np.maximum.reduce(
        [region_mask(name, SEEN_PX, 0.015) for name in ("eyes", "brows", "lips", "nostrils")]
    )


def _normalised_blur(
    values: NDArray[np.float32], weight: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    top = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma)
    return np.asarray(top / (cv2.GaussianBlur(weight, (0, 0), sigma)[..., None] + 1e-6))


def _enlarge(small: NDArray[np.float32]) -> NDArray[np.float32]:
    return cv2.resize(small, (ATLAS_PX, ATLAS_PX), interpolation=cv2.INTER_LINEAR)  # type: ignore[no-any-return]
