"""What stands in front of the target's face: told from colour and time, without a network."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.sampling import blur, reduce
from masquerade.stages.meshswap.parts import FIELD_SIZE, skin_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.stages.meshswap.light import FaceField

__all__ = ["Occlusion", "refine"]

_LEARN_FRAMES = 5
"""Frames after which a track's own appearance is asked too."""
_SKIN_EVERY = 4
"""Frames from one fit of the skin to the next: what it finds stays, what moves in is new."""
_ALONE = np.array([1.1, 0.26, 0.26], np.float32)
"""Tolerance of the skin of a single frame: beards, shadows and make-up are skin."""
_BEARD = 1.6
"""Factor on that tolerance below the nose."""
_KNOWN = np.array([0.26, 0.09, 0.09], np.float32)
"""Tolerance against what the same spot has looked like in this track."""
_MOST = 0.75
"""Share of the skin from which a finding is not believed: too much of the real face would show."""
_THING = 0.008 * FIELD_SIZE**2
"""Texels from which something is a thing and not a speck."""
_SEED, _GROW = 1.25, 0.75
"""Distances from which a texel starts an object, and from which it belongs to one beside it."""


@cache
def _surface() -> NDArray[np.float32]:
    """Second-order polynomials of the atlas, (64 * 64, 6): how light varies over a face."""
    axis = (np.arange(FIELD_SIZE, dtype=np.float32) + 0.5) / FIELD_SIZE * 2 - 1
    x, y = (grid.reshape(-1) for grid in np.meshgrid(axis, axis))
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1)


@cache
def _beard() -> NDArray[np.float32]:
    """How much more than bare skin a texel may differ: a beard is no thing in front. (64, 1)."""
    v = (np.arange(FIELD_SIZE, dtype=np.float32) + 0.5) / FIELD_SIZE
    below_nose = np.clip((v - 0.56) / 0.08, 0, 1)[:, None]
    return np.asarray(1 + (_BEARD - 1) * below_nose, np.float32)


class Occlusion:
    """Finds the texels of one track's face that something covers.

    A texel is described by the logarithm of its lightness and two log-chromaticities, which light
    hardly changes. It is covered where that lies far from the face's skin (a smooth surface fitted
    to most of it), or far from what this spot was in earlier frames after a smooth change of light
    has been allowed for.
    """

    def __init__(self) -> None:
        self._mean: NDArray[np.float32] | None = None
        self._off_skin = np.zeros((FIELD_SIZE, FIELD_SIZE), np.float32)
        self._covered = np.zeros((FIELD_SIZE, FIELD_SIZE), np.bool_)
        self._frames = 0

    def find(self, field: FaceField) -> NDArray[np.float32] | None:
        """Covered texels as float32 (64, 64) 0..1, or None where nothing covers the face."""
        look = _appearance(field.colour)
        weight = skin_field() * field.seen
        if weight.sum() < 0.08 * FIELD_SIZE**2:
            return None
        if self._frames % _SKIN_EVERY == 0 or self._frames < _LEARN_FRAMES:
            off = _distance(look - _fit(look, weight, _ALONE), _ALONE)
            self._off_skin = off / _beard()
        distance = self._off_skin
        if self._mean is not None and self._frames >= _LEARN_FRAMES:
            change = look - self._mean
            light = _fit(change, weight * np.where(self._covered, 0.05, 1.0), _KNOWN)
            distance = np.maximum(distance, _distance(change - light, _KNOWN))
        self._covered = _objects(np.where(weight > 0.3, distance, 0.0).astype(np.float32))
        self._learn(look, field.seen)
        hidden = float((weight * self._covered).sum() / weight.sum())
        if not 0 < hidden <= _MOST:
            return None
        return blur(self._covered.astype(np.float32), 1.0)

    def _learn(self, look: NDArray[np.float32], seen: NDArray[np.float32]) -> None:
        self._frames += 1
        if self._mean is None:
            self._mean = look.copy()
        rate = max(1 / self._frames, 0.06) * np.where(self._covered, 0.03, 1.0) * (seen > 0.3)
        self._mean += rate[..., None].astype(np.float32) * (look - self._mean)


def _appearance(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lightness and two chromaticities in logarithms, float32 (64, 64, 3)."""
    blue, green, red = cv2.split(np.log(blur(colour, 0.8, 1.2) + np.float32(12.0)))
    look = cv2.merge([(blue + green + red) / 3, red - green, blue - green])
    return np.asarray(look, np.float32)


def _fit(
    values: NDArray[np.float32], weight: NDArray[np.float32], tolerance: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A smooth surface through most of the values; what lies off it has no say.

    Starts from the median and frees the slopes, then the curvatures, by weighted least squares.
    """
    basis, flat = _surface()[::5], values.reshape(-1, 3)[::5]
    given = weight.reshape(-1)[::5]
    level = np.median(flat[given > 0.5 * given.max()], axis=0)
    trust = given / (1 + (_distance(flat - level, tolerance) / 0.7) ** 4)
    for terms in (3, 6, 6):
        weighted = basis[:, :terms] * trust[:, None]
        normal = basis[:, :terms].T @ weighted + 3e-2 * np.eye(terms, dtype=np.float32)
        coefficients = np.linalg.solve(normal, weighted.T @ (flat - level))
        error = _distance(flat - level - basis[:, :terms] @ coefficients, tolerance)
        trust = given / (1 + (error / 0.5) ** 4)
    fitted = _surface() @ coefficients + level
    return np.asarray(fitted.reshape(values.shape), np.float32)


def _distance(
    difference: NDArray[np.float32], tolerance: NDArray[np.float32]
) -> NDArray[np.float32]:
    scaled = difference / tolerance
    return np.asarray(np.sqrt(np.einsum("...c,...c->...", scaled, scaled)), np.float32)


def _objects(distance: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Texels of things: grown from certain ones, specks dropped, gaps over eyes and lips closed."""
    kernel = np.ones((3, 3), np.uint8)
    grown = cv2.morphologyEx((distance > _GROW).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    certain = np.bincount(labels.reshape(-1), (distance > _SEED).reshape(-1), count)
    thing = (stats[:, cv2.CC_STAT_AREA] >= _THING) & (certain >= _THING / 2)
    thing[0] = False
    if not thing.any():
        return np.zeros(distance.shape, np.bool_)
    closed = cv2.morphologyEx(
        thing[labels].astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)
    )
    return np.asarray(cv2.dilate(closed, kernel)) > 0


def refine(
    covered: NDArray[np.float32], picture: NDArray[np.uint8], radius: int
) -> NDArray[np.float32]:
    """Pull the edge of a coarse mask to the edge in the picture.

    Args:
        covered: float32 (H, W) 0..1.
        picture: uint8 (H, W, 3) BGR.
        radius: half the window in pixels.

    Returns:
        float32 (H, W) 0..1.

    Worked out at half the size. Source: K. He, J. Sun, X. Tang, "Guided image filtering",
    PAMI 35(6), 2013, with a grey guide.
    """
    size = (radius | 1, radius | 1)
    half = (max(1, picture.shape[1] // 2), max(1, picture.shape[0] // 2))
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    guide = reduce(grey, half).astype(np.float32) / np.float32(255)
    covered = reduce(covered, half)
    mean_i, mean_p = cv2.blur(guide, size), cv2.blur(covered, size)
    variance = cv2.blur(guide * guide, size) - mean_i * mean_i
    covariance = cv2.blur(guide * covered, size) - mean_i * mean_p
    slope = covariance / (variance + 1e-3)
    offset = mean_p - slope * mean_i
    mask = cv2.blur(slope, size) * guide + cv2.blur(offset, size)
    full = cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip((full - 0.15) / 0.7, 0, 1), np.float32)
