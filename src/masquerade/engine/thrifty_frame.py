"""Enhances whole pictures by whatever upscaler and tiles fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import MemoryBudgetError, ModelError
from masquerade.engine.lowering import tile_bytes
from masquerade.models.upscaler import TILE_STEP
from masquerade.runtime.budget import process_budget
from masquerade.runtime.tiles import enhance_tiled, fitted_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.engine.held_networks import HeldNetworks
    from masquerade.models.upscaler import Upscaler

__all__ = ["ThriftyFrame"]

_OVERLAP = 32
"""Pixels over which tiles fade: a quarter of their shorter side where that is less."""
_SMALLEST = 64


class ThriftyFrame:
    """What ``EnhanceFrame`` asks for pictures. Where memory runs out, smaller tiles or less are
    taken and the picture is enhanced again; where the network fails, it is left as it is.

    Args:
        held: the networks.
        notice: is told, in a sentence, that the network fails.
    """

    def __init__(self, held: HeldNetworks, notice: Callable[[str], None]) -> None:
        self._held, self._notice = held, notice

    def enhance(self, picture_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture with more detail.

        Args:
            picture_bgr: uint8 (H, W, 3), BGR; it is not changed.

        Returns:
            The same shape; the very array where there is no upscaler (any more), or it failed.

        Raises:
            MemoryBudgetError: nothing is left to give up.
        """
        while True:
            networks = self._held.settled()
            upscaler = networks.upscaler
            if upscaler is None:
                return picture_bgr
            try:
                return _enhanced(upscaler, picture_bgr, networks.lowered.settings.tile)
            except MemoryBudgetError:
                self._held.lower(networks)
            except ModelError as error:
                if self._held.settled() is networks:  # else it was closed for want of memory
                    self._notice(f"Pictures were left as they were swapped: {error}")
                    return picture_bgr


def _enhanced(upscaler: Upscaler, picture_bgr: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    high, wide = tile_hw = _tile_hw(upscaler, picture_bgr, most)

    def enhance(piece_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # Reduced at once, so that nothing is ever held at the network's scale but one tile.
        large = upscaler.enhance(piece_bgr)
        return np.asarray(cv2.resize(large, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)

    label = f"A tile of {wide}x{high} pixels of {upscaler.spec.name}"
    with process_budget().admit(label, tile_bytes(wide * high, upscaler.scale)):
        return enhance_tiled(enhance, picture_bgr, tile_hw, min(_OVERLAP, min(tile_hw) // 4))


def _tile_hw(upscaler: Upscaler, picture_bgr: NDArray[np.uint8], most: int) -> tuple[int, int]:
    """Height and width of the tiles: those of which least is drawn twice."""
    if upscaler.side is not None:
        return upscaler.side, upscaler.side
    most = max(_SMALLEST, most - most % TILE_STEP)
    high, wide = (
        fitted_side(length, most, _OVERLAP, TILE_STEP) for length in picture_bgr.shape[:2]
    )
    return high, wide
