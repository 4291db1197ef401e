"""The donor's atlas at the scale of the target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.sampling import reduce
from masquerade.stages.meshswap.parts import FIELD_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Texture"]

_STEPS_PER_OCTAVE = 4


class Texture:
    """An atlas and its reduced copies, made when first asked for.

    Args:
        atlas: uint8 (S, S, 3) BGR.
        coverage: uint8 (S, S), 255 where the atlas can be trusted.
    """

    def __init__(self, atlas: NDArray[np.uint8], coverage: NDArray[np.uint8]) -> None:
        self._atlas = atlas
        self.size = len(atlas)
        self._levels: dict[int, NDArray[np.uint8]] = {0: atlas}
        small = (FIELD_SIZE, FIELD_SIZE)
        self.field: NDArray[np.float32] = reduce(atlas, small).astype(np.float32)
        """The atlas as a field, float32 (64, 64, 3), BGR 0..255."""
        self.coverage = reduce(coverage, (128, 128)).astype(np.float32) / np.float32(255)
        """Trust as float32 (128, 128), 0..1."""

    def level_for(self, texels_per_px: float) -> int:
        """The level at which the given density of atlas texels comes down to about 1.25 a pixel."""
        octaves = math.log2(max(texels_per_px / 1.25, 1.0))
        return min(round(octaves * _STEPS_PER_OCTAVE), 4 * _STEPS_PER_OCTAVE)

    def level(self, number: int) -> NDArray[np.uint8]:
        """The atlas reduced by ``number`` quarter octaves, area filtered."""
        found = self._levels.get(number)
        if found is None:
            size = round(len(self._atlas) * 2 ** (-number / _STEPS_PER_OCTAVE))
            found = self._levels[number] = reduce(self._atlas, (size, size))
        return found
