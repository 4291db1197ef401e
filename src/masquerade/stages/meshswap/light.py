"""The target's light, folds and occluders, measured in the atlas of the face.

A field is 64 x 64 texels of the canonical atlas. Measuring there instead of in the picture makes
the cost the same for every size of face, and the same texel is the same spot of skin in every
frame, so that a running mean over time needs no motion compensation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import facing
from masquerade.geometry.sampling import blur, reduce, sample
from masquerade.models.canonical import CANONICAL
from masquerade.stages.meshswap.parts import (
    FIELD_SIZE,
    field_weights,
    fold_field,
    skin_field,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FaceField", "Light", "sample_field"]

_LIGHT_SIZE = 32
"""Texels along a side of the field on which light is smoothed: light is smooth, so it is small."""
_LIGHT_WH = (_LIGHT_SIZE, _LIGHT_SIZE)
_LIGHT_SIGMA = 0.07 * _LIGHT_SIZE
"""Width of what counts as light rather than skin, in those texels."""
_MODELLING = 0.85
"""How far light that differs from place to place follows the target, beside its mean, which does
so in full: the target's own features are in what differs."""
_STEP_AS_SCALE = 0.6
"""Of a step to brighter skin, in logarithms, the share that multiplies; the rest is added."""
_SAMPLE_PX = 96
"""The face is reduced to about this size before it is sampled, so that no texel aliases."""


@dataclass(slots=True)
class FaceField:
    """One face unwrapped to its field.

    Attributes:
        colour: float32 (64, 64, 3) BGR 0..255.
        seen: float32 (64, 64) 0..1, how far each texel faces the camera within the frame.
    """

    colour: NDArray[np.float32]
    seen: NDArray[np.float32]


def sample_field(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> FaceField:
    """Unwrap a face of a frame.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        landmarks: float32 (>= 468, 3) frame pixels.
    """
    mesh = landmarks[:468]
    low = np.floor(np.maximum(mesh[:, :2].min(0) - 2, 0)).astype(int)
    high = np.ceil(np.minimum(mesh[:, :2].max(0) + 3, pixels.shape[1::-1])).astype(int)
    if (high - low).min() < 2:
        empty = np.zeros((FIELD_SIZE, FIELD_SIZE), np.float32)
        return FaceField(np.zeros((*empty.shape, 3), np.float32), empty)
    region = pixels[low[1] : high[1], low[0] : high[0]]
    scale = min(_SAMPLE_PX / max(region.shape[:2]), 1.0)
    if scale < 1.0:
        size = (max(2, round(region.shape[1] * scale)), max(2, round(region.shape[0] * scale)))
        region = reduce(region, size)
    ratio = np.array(region.shape[1::-1], np.float32) / (high - low).astype(np.float32)
    xy = _positions((mesh[:, :2] - low + 0.5) * ratio - 0.5)
    colour = sample(region, xy)
    limit = np.array(region.shape[1::-1], np.float32) - 0.5
    inside = ((xy > -0.5) & (xy < limit)).all(-1)
    _, _, number = field_weights(FIELD_SIZE)
    turned = facing(mesh, CANONICAL.tri)[number].reshape(FIELD_SIZE, FIELD_SIZE)
    seen = np.clip((cv2.blur(turned, (5, 5)) - 0.15) / 0.35, 0, 1) * inside
    return FaceField(colour.astype(np.float32), seen.astype(np.float32))


def _positions(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Where each texel of the field lies, float32 (64, 64, 2), from the mesh's (468, 2) points.

    Worked out on half as many texels a side and enlarged: the map is nearly linear.
    """
    vertices, weights, _ = field_weights(FIELD_SIZE // 2)
    at = np.einsum("tkc,tk->tc", points.astype(np.float32)[vertices], weights)
    half = at.reshape(FIELD_SIZE // 2, FIELD_SIZE // 2, 2)
    full = cv2.resize(half, (FIELD_SIZE, FIELD_SIZE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32)


def _lightness(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.float32)


class Light:
    """What is to be multiplied onto the donor's texture so that it sits in the target's light.

    Args:
        donor_field: float32 (64, 64, 3), the donor's atlas.
        donor_trust: float32 (64, 64) 0..1.
    """

    def __init__(self, donor_field: NDArray[np.float32], donor_trust: NDArray[np.float32]) -> None:
        self._donor = donor_field
        self._skin = skin_field() * donor_trust
        self._folds_mean: NDArray[np.float32] | None = None
        self._frames = 0

    def relight(
        self, target: FaceField, occluded: NDArray[np.float32] | None, strength: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What turns the donor's light and colour into the target's: ``scale * donor + lift``.

        Where the target is darker the donor is multiplied alone, as less light does it. Where it
        is brighter, a part of the step is added instead: a fair target must not
        deepen the lines of a dark or ruddy donor.

        Args:
            target: the face to match.
            occluded: float32 (64, 64) 0..1 or None; texels left out of the measurement.
            strength: 0 leaves the donor's light, 1 takes the target's.

        Returns:
            scale and lift, float32 (32, 32, 3) each; lift in 0..255.
        """
        weight = self._skin * target.seen
        if occluded is not None:
            weight = weight * (1 - occluded)
        weight = weight[..., None] + np.float32(1e-4)
        film = reduce(target.colour * weight, _LIGHT_WH)
        own = reduce(self._donor * weight, _LIGHT_WH)
        total = reduce(np.repeat(weight, 3, axis=2), _LIGHT_WH)
        # A wider blur, faintly mixed in, fills what no skin near by has measured.
        film, own, total = (
            blur(part, _LIGHT_SIGMA) + 0.02 * blur(part, 4 * _LIGHT_SIGMA)
            for part in (film, own, total)
        )
        ratio = (film + 2.0 * total) / (own + 2.0 * total)
        logs = np.log(ratio)
        mean = (logs * total).sum((0, 1)) / total.sum((0, 1))
        gain = np.exp(strength * (mean + _MODELLING * (logs - mean)))
        gain = np.clip(gain, 0.15, 5.0).astype(np.float32)
        lightness = _lightness(gain)[..., None]
        # The lift has the colour of the lit skin, so that dark features stay neutral.
        kept = np.where(lightness > 1, lightness**_STEP_AS_SCALE, lightness)
        scale = (gain * (kept / lightness)).astype(np.float32)
        return scale, ((gain - scale) * own / total).astype(np.float32)

    def folds(self, target: FaceField, strength: float) -> NDArray[np.float32]:
        """Folds that the target's expression draws, as a factor (64, 64) on lightness.

        The band is compared with its own running mean, so that lines which are always there (they
        belong to the target's identity) are left out and those that come and go are kept.
        """
        grey = _lightness(target.colour) + 4.0
        band = np.log(blur(grey, 0.6) / blur(grey, 2.7))
        if self._folds_mean is None:
            self._folds_mean = band
        self._frames += 1
        rate = max(1 / self._frames, 0.02)
        self._folds_mean = self._folds_mean + rate * (band - self._folds_mean)
        change = (band - self._folds_mean) * fold_field() * target.seen
        return np.asarray(np.exp(strength * np.clip(change, -0.35, 0.2)), np.float32)
