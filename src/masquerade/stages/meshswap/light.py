"""The target's light, folds and occluders, measured in the atlas of the face.

A field is 96 x 96 texels of the canonical atlas. Measuring there instead of in the picture makes
the cost the same for every size of face, and the same texel is the same spot of skin in every
frame, so that a running mean over time needs no motion compensation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import facing
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

_LIGHT_SIGMA = 0.085 * FIELD_SIZE
"""Width of what counts as light rather than skin, in texels."""
_SAMPLE_PX = 128
"""The face is reduced to about this size before it is sampled, so that no texel aliases."""


@dataclass(slots=True)
class FaceField:
    """One face unwrapped to its field.

    Attributes:
        colour: float32 (96, 96, 3) BGR 0..255.
        seen: float32 (96, 96) 0..1, how far each texel faces the camera within the frame.
    """

    colour: NDArray[np.float32]
    seen: NDArray[np.float32]


def sample_field(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> FaceField:
    """Unwrap a face of a frame.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        landmarks: float32 (>= 468, 3) frame pixels.
    """
    vertices, weights = field_weights()
    mesh = landmarks[:468].copy()
    low = np.floor(np.maximum(mesh[:, :2].min(0) - 2, 0)).astype(int)
    high = np.ceil(np.minimum(mesh[:, :2].max(0) + 3, pixels.shape[1::-1])).astype(int)
    if (high - low).min() < 2:
        empty = np.zeros((FIELD_SIZE, FIELD_SIZE), np.float32)
        return FaceField(np.zeros((*empty.shape, 3), np.float32), empty)
    region = pixels[low[1] : high[1], low[0] : high[0]]
    scale = min(_SAMPLE_PX / max(region.shape[:2]), 1.0)
    if scale < 1.0:
        size = (max(2, round(region.shape[1] * scale)), max(2, round(region.shape[0] * scale)))
        region = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
    ratio = np.array(region.shape[1::-1], np.float32) / (high - low)
    attributes = np.empty((468, 3), np.float32)
    attributes[:, :2] = (mesh[:, :2] - low + 0.5) * ratio - 0.5
    attributes[:, 2] = facing(mesh, CANONICAL.tri)
    at = np.einsum("tkc,tk->tc", attributes[vertices], weights).reshape(FIELD_SIZE, FIELD_SIZE, 3)
    xy = np.ascontiguousarray(at[..., :2])
    colour = cv2.remap(region, xy, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    limit = np.array(region.shape[1::-1], np.float32) - 0.5
    inside = ((xy > -0.5) & (xy < limit)).all(-1)
    seen = np.clip((at[..., 2] - 0.15) / 0.35, 0, 1) * inside
    return FaceField(colour.astype(np.float32), seen.astype(np.float32))


def _smooth(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _lightness(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    return cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


class Light:
    """What is to be multiplied onto the donor's texture so that it sits in the target's light.

    Args:
        donor_field: float32 (96, 96, 3), the donor's atlas.
        donor_trust: float32 (96, 96) 0..1.
    """

    def __init__(
        self, donor_field: NDArray[np.float32], donor_trust: NDArray[np.float32]
    ) -> None:
        self._donor = donor_field
        self._skin = skin_field() * donor_trust
        self._folds_mean: NDArray[np.float32] | None = None
        self._frames = 0

    def gain(
        self,
        target: FaceField,
        occluded: NDArray[np.float32] | None,
        *,
        relight: float,
        wrinkles: float,
    ) -> NDArray[np.float32]:
        """Factor per texel, float32 (96, 96, 3), within 0.2 to 4."""
        weight = self._skin * target.seen
        if occluded is not None:
            weight = weight * (1 - occluded)
        weight = weight[..., None] + np.float32(1e-4)
        stacked = np.concatenate([target.colour * weight, self._donor * weight, weight], axis=2)
        blurred = _smooth(stacked, _LIGHT_SIGMA)
        # A wider blur, faintly mixed in, fills what no skin near by has measured.
        blurred += 0.02 * _smooth(stacked, 3 * _LIGHT_SIGMA)
        light = (blurred[..., :3] + 2.0 * blurred[..., 6:]) / (
            blurred[..., 3:6] + 2.0 * blurred[..., 6:]
        )
        gain = np.clip(light, 0.2, 4.0) ** np.float32(relight)
        if wrinkles > 0:
            gain *= self._folds(target, wrinkles)[..., None]
        return np.clip(gain, 0.2, 4.0).astype(np.float32)

    def _folds(self, target: FaceField, wrinkles: float) -> NDArray[np.float32]:
        """Folds that the target's expression draws, as a factor (96, 96) on lightness.

        The band is compared with its own running mean, so that lines which are always there (they
        belong to the target's identity) are left out and those that come and go are kept.
        """
        grey = _lightness(target.colour) + 4.0
        band = np.log(_smooth(grey, 0.8) / _smooth(grey, 4.0))
        if self._folds_mean is None:
            self._folds_mean = band
        self._frames += 1
        rate = max(1 / self._frames, 0.02)
        self._folds_mean = self._folds_mean + rate * (band - self._folds_mean)
        change = (band - self._folds_mean) * fold_field() * target.seen
        return np.exp(wrinkles * np.clip(change, -0.35, 0.2)).astype(np.float32)
