"""A donor photo's face as the networks want to see it: a square, upright crop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import InputError
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.templates import align, kps_from_landmarks, warp_crop

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_PORTRAITS", "PORTRAIT_PX", "PORTRAIT_TEMPLATE", "Portrait"]

MAX_PORTRAITS = 16
"""As many as an identity can have: one per donor photo."""
PORTRAIT_PX = 512
"""Side of a portrait in pixels."""
PORTRAIT_TEMPLATE = "ffhq_512"
"""The template that portraits are cut by; every other one shows hardly more of a face."""
_MOST_OFF_PX = 4 * PORTRAIT_PX


@dataclass(frozen=True, eq=False, slots=True)
class Portrait:
    """One donor photo, cut so that the face stands upright. Arrays are read-only.

    Attributes:
        pixels: uint8 (512, 512, 3) BGR, cut by the template ``ffhq_512``.
        kps: float32 (5, 2), five points in ``pixels``: left eye, right eye, nose tip, left and
            right mouth corner, where left is the image's left.
        weight: above 0 to 1, the photo's say beside the donor's other ones; they sum up to 1.

    Raises:
        InputError: a shape, a type or a value is none of these.
    """

    pixels: NDArray[np.uint8]
    kps: NDArray[np.float32]
    weight: float = 1.0

    def __post_init__(self) -> None:
        size = (PORTRAIT_PX, PORTRAIT_PX, 3)
        if self.pixels.shape != size or self.pixels.dtype != np.uint8:
            raise InputError(f"A portrait's pixels must be uint8 of shape {size}; enrol it anew.")
        if self.kps.shape != (5, 2) or self.kps.dtype != np.float32:
            raise InputError("A portrait's points must be float32 of shape (5, 2); enrol it anew.")
        if not (np.abs(self.kps) <= _MOST_OFF_PX).all() or not _spread_out(self.kps):
            raise InputError("A portrait's points lie where no face has them; enrol it anew.")
        if not 0 < self.weight <= 1:
            raise InputError("A portrait's weight must be above 0 and at most 1; enrol it anew.")
        for array in (self.pixels, self.kps):
            array.setflags(write=False)

    @classmethod
    def cut(
        cls, pixels_bgr: NDArray[np.uint8], landmarks: NDArray[np.floating], weight: float = 1.0
    ) -> Portrait:
        """Cut the portrait out of a photo.

        Args:
            pixels_bgr: uint8 (H, W, 3); beyond its border the edge is drawn out.
            landmarks: (468 or more, 2 or 3), the face mesh in these pixels.
            weight: above 0 to 1.

        Raises:
            InputError: the mesh is a single place.
        """
        kps = kps_from_landmarks(landmarks)
        matrix = align(kps, PORTRAIT_TEMPLATE, PORTRAIT_PX)
        if not math.isfinite(float(np.abs(matrix).sum())) or not np.abs(matrix[:, :2]).any():
            raise InputError("The mesh shows no face; choose a photo that looks into the camera.")
        crop = warp_crop(pixels_bgr, matrix, PORTRAIT_PX, border="edge")
        return cls(crop, apply_affine(matrix, kps).astype(np.float32), weight)


def _spread_out(kps: NDArray[np.float32]) -> bool:
    """Whether the points can be aligned: not all in one place."""
    return float(np.ptp(kps, axis=0).max()) >= 1.0
