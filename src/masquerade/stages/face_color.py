"""A swapped face in the target's colours: as a whole, or from place to place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from masquerade.geometry.sampling import blur, reduce

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["match_color", "match_light", "match_mean"]

_STATISTICS_PX = 128
"""Side at which means and deviations are measured."""
_LEAST_PIXELS = 16
_SPREAD = (0.5, 2.0)
"""Limits on the ratio of two deviations: a flat picture must not become a loud one."""
_LIGHT_PX = 64
"""Side at which light is compared: it is smooth."""
_LIGHT_SIGMA = 0.08
"""Width of what counts as light and not as features, as a share of the side."""
_FAR = 0.02
"""Weight of a wider blur that fills in what no face near by has measured."""
_EXPONENT = 0.9
_GAIN = (0.4, 2.5)
_DARK = 4.0
"""Added to both before they are compared, so that black has no ratio."""


def match_color(
    kind: Literal["none", "light", "mean"],
    swapped: NDArray[np.uint8],
    target: NDArray[np.uint8],
    mask: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """What :func:`match_light` or :func:`match_mean` gives, or ``swapped`` itself for "none"."""
    if kind == "mean":
        return match_mean(swapped, target, mask)
    return match_light(swapped, target, mask) if kind == "light" else swapped


def match_mean(
    swapped: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Give the face the mean and the deviation that each channel of Lab has in the target.

    Args:
        swapped: uint8 (S, S, 3) BGR.
        target: uint8 (S, S, 3) BGR, the same place of the frame.
        mask: uint8 (S, S); pixels from 128 up are measured.

    Returns:
        uint8 (S, S, 3), a new array; ``swapped`` where the mask shows next to nothing.

    Source: E. Reinhard et al., "Color transfer between images", IEEE CG&A 21(5), 2001, in CIE Lab.
    """
    measured = _statistics(swapped, target, mask)
    if measured is None:
        return swapped
    (own_mean, own_spread), (mean, spread) = measured
    ratio = np.clip((spread + 1.0) / (own_spread + 1.0), *_SPREAD)
    shift = mean - ratio * own_mean
    moved = _lab(swapped) * ratio.astype(np.float32) + shift.astype(np.float32)
    bgr = cv2.cvtColor(moved, cv2.COLOR_LAB2BGR)
    return np.asarray(np.clip(bgr, 0, 1) * np.float32(255) + np.float32(0.5), np.uint8)


def match_light(
    swapped: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Give the face the target's light: low frequencies are the target's, features stay.

    Arguments and result are those of :func:`match_mean`. Both pictures are made small and blurred,
    each blur normalised by the mask so that nothing outside the face has a say; their ratio is
    enlarged and multiplied onto the face.
    """
    side = (min(_LIGHT_PX, len(mask)),) * 2
    weight = reduce(mask, side).astype(np.float32)[..., None] / np.float32(255)
    if float(weight.sum()) < _LEAST_PIXELS:
        return swapped
    light, own = (
        _smooth((reduce(picture, side).astype(np.float32) + _DARK) * weight)
        for picture in (target, swapped)
    )
    gain = np.clip((light / np.maximum(own, 1e-3)) ** _EXPONENT, *_GAIN).astype(np.float32)
    full = cv2.resize(gain, swapped.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(swapped, full, dtype=cv2.CV_8U), np.uint8)


def _smooth(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blurred for light. Both sides of a ratio have the same weights, so those cancel out."""
    sigma = _LIGHT_SIGMA * len(picture)
    return blur(picture, sigma) + np.float32(_FAR) * blur(picture, 4 * sigma)


def _statistics(
    swapped: NDArray[np.uint8], target: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...] | None:
    """Mean and deviation of Lab within the mask, (3,) each, of both pictures."""
    side = (min(_STATISTICS_PX, len(mask)),) * 2
    inside = np.asarray(cv2.inRange(reduce(mask, side), 128, 255), np.uint8)
    if cv2.countNonZero(inside) < _LEAST_PIXELS:
        return None
    both = [cv2.meanStdDev(_lab(reduce(item, side)), mask=inside) for item in (swapped, target)]
    return tuple((np.ravel(mean), np.ravel(spread)) for mean, spread in both)


def _lab(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE Lab, float32: L 0..100, a and b about -128..127."""
    scaled = picture.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2LAB), np.float32)
