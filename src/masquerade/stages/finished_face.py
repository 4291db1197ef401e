"""A face as the networks leave it: a square crop, and where it belongs in the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FinishedFace"]


@dataclass(frozen=True, slots=True)
class FinishedFace:
    """One face after swapper, enhancers and masks.

    Attributes:
        pixels: uint8 (P, P, 3) BGR, the swapped face.
        target: uint8 (P, P, 3) BGR, what the frame shows there.
        mask: uint8 (P, P); 255 takes the swapped pixels.
        matrix: float64 (2, 3), frame to crop; pixel centres at whole numbers on both sides.
    """

    pixels: NDArray[np.uint8]
    target: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    matrix: NDArray[np.float64]
