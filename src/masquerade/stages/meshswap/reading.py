"""What is read off the target for one track: light, folds and what stands in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.stages.meshswap.light import Light, sample_field
from masquerade.stages.meshswap.occlusion import Occlusion
from masquerade.stages.meshswap.parts import FIELD_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings

__all__ = ["Reader", "Reading"]

_EVERY = 2
"""Frames from one reading to the next while the picture's brightness stays."""
_SAME = 0.015
"""Relative change of brightness up to which an old reading still holds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading, as fields of the face's atlas.

    Attributes:
        covered: float32 (64, 64) 0..1, what something hides; None where nothing does.
        scale: float32 (64, 64, 3); the donor's colour times this ...
        lift: float32 (64, 64, 3), 0..255; ... plus this is its colour in the target's light.
    """

    covered: NDArray[np.float32] | None
    scale: NDArray[np.float32]
    lift: NDArray[np.float32]


class Reader:
    """Reads one track, every second frame; light that jumps is read at once.

    Args:
        donor_field: float32 (64, 64, 3), the donor's atlas.
        donor_trust: float32 (64, 64) 0..1.
        settings: relight, wrinkles, occlusion.
    """

    def __init__(
        self,
        donor_field: NDArray[np.float32],
        donor_trust: NDArray[np.float32],
        settings: Settings,
    ) -> None:
        self._settings = settings
        self._light = Light(donor_field, donor_trust)
        self._occlusion = Occlusion()
        self._last: Reading | None = None
        self._brightness = 0.0
        self._age = 0

    def configure(self, settings: Settings) -> None:
        """Take other settings; the next frame is read by them."""
        self._settings = settings
        self._last = None

    def read(
        self, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], crowded: bool = False
    ) -> Reading:
        """The reading that holds for a frame.

        Args:
            pixels: uint8 (H, W, 3) BGR.
            landmarks: float32 (478, 3) frame pixels.
            crowded: one of many faces: read half as often.
        """
        brightness = _brightness(pixels, landmarks)
        steady = abs(brightness - self._brightness) <= _SAME * self._brightness
        self._age += 1
        if self._last is None or self._age >= (2 * _EVERY if crowded else _EVERY) or not steady:
            self._last = self._measure(pixels, landmarks)
            self._brightness, self._age = brightness, 0
        return self._last

    def _measure(self, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> Reading:
        settings = self._settings
        field = sample_field(pixels, landmarks)
        covered = self._occlusion.find(field) if settings.occlusion else None
        scale, lift = (
            np.asarray(cv2.resize(part, (FIELD_SIZE, FIELD_SIZE)), np.float32)
            for part in self._light.relight(field, covered, settings.relight)
        )
        if settings.wrinkles > 0:
            folds = self._light.folds(field, settings.wrinkles)[..., None]
            scale, lift = scale * folds, lift * folds
        return Reading(covered, scale, lift)


def _brightness(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> float:
    """Mean of a few hundred samples around the face, 0..255."""
    x0, y0 = np.maximum(landmarks[:468, :2].min(0), 0).astype(int)
    x1, y1 = np.maximum(landmarks[:468, :2].max(0), 0).astype(int) + 1
    step = max(1, (x1 - x0) // 16)
    samples = pixels[y0:y1:step, x0:x1:step]
    return float(samples.mean()) if samples.size else 0.0
