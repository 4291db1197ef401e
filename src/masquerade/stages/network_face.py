"""One face through the brought networks: crop, swap, enhance, mask, colour."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.templates import align, kps_from_landmarks, warp_crop
from masquerade.models.pixel_boost import swap_boosted
from masquerade.stages.crop_masks import CropMasks
from masquerade.stages.face_color import match_color
from masquerade.stages.face_masks import box_mask
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.swapped_crop import SwappedCrop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.models.donor_code import DonorCode
    from masquerade.models.enhancer import Enhancer
    from masquerade.models.swapper import Swapper
    from masquerade.stages.crop_masks import Masker
    from masquerade.stages.identity import Identity

__all__ = ["NetworkFace"]

_SEAM = 0.04
"""Softness of the crop's edge where no box mask was asked for."""


class NetworkFace:
    """Makes finished faces, one at a time; only :meth:`encode` may be called from other threads.

    Args:
        swapper: draws the donor.
        enhancers: run on the swapped face one after the other.
        maskers: networks that say where it may be drawn; see ``crop_masks.py``.
        settings: how faces are cut, drawn, masked and coloured.

    Attributes:
        enhances: whether the enhancers run; may be set at any time.

    Raises:
        ModelError: a mask was asked for that needs a network which is not among the maskers.
    """

    def __init__(
        self,
        swapper: Swapper,
        enhancers: Sequence[Enhancer],
        maskers: Sequence[Masker],
        settings: Settings,
    ) -> None:
        self._swapper = swapper
        self._enhancers = tuple(enhancers)
        self.enhances = True
        self._masks = CropMasks(maskers, settings)
        self._settings = settings
        self._encoding = threading.Lock()
        self._codes: weakref.WeakKeyDictionary[Identity, DonorCode] = weakref.WeakKeyDictionary()

    def configure(self, settings: Settings) -> None:
        """Make faces by other settings from the next one on.

        Raises:
            ModelError: as the constructor does.
        """
        self._masks.configure(settings)
        self._settings = settings

    def forget(self) -> None:
        """Forget the tracks: a new scene, or a new stream. Donors stay known."""
        self._masks.forget()

    def encode(self, identity: Identity) -> DonorCode:
        """What the swapper knows of a donor; worked out at the first call for an identity.

        May be called from any thread: another one waits rather than work it out twice.

        Raises:
            ModelError: the identity has no portraits, or a network failed.
        """
        with self._encoding:
            code = self._codes.get(identity)
            if code is None:
                code = self._codes[identity] = self._swapper.encode(identity.portraits)
            return code

    def make(
        self,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32] | None,
        kps: NDArray[np.float32],
        code: DonorCode,
        track_id: int = -1,
    ) -> FinishedFace:
        """Draw a donor's face over one of a frame.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            landmarks: float32 (478, 3), the face's mesh in frame pixels; without it the box alone
                limits the face and ``kps`` align it.
            kps: float32 (5, 2), the detector's points in frame pixels.
            code: of the donor; see :meth:`encode`.
            track_id: whose memory is used to tell what is in front of the face.

        Returns:
            The face at the size of the last network that drew it.

        Raises:
            ModelError: a network failed.
        """
        points = kps
        if landmarks is not None and self._settings.alignment == "mesh":
            points = kps_from_landmarks(landmarks)
        crop = self._swap(pixels_bgr, points, code)
        for enhancer in self._enhancers if self.enhances else ():
            crop = self._enhance(enhancer, crop, pixels_bgr, points)
        mask = self._masks.make(crop, pixels_bgr, landmarks, track_id)
        pixels = match_color(self._settings.color, crop.pixels, crop.target, mask)
        return FinishedFace(pixels, crop.target, mask, crop.matrix)

    def _swap(
        self, pixels_bgr: NDArray[np.uint8], points: NDArray[np.float32], code: DonorCode
    ) -> SwappedCrop:
        settings, swapper = self._settings, self._swapper
        size = swapper.size * max(1, round(settings.swap_size / swapper.size))
        matrix = align(
            points,
            swapper.template,
            size,
            scale=settings.crop_scale,
            shift_xy=(settings.crop_shift_x, settings.crop_shift_y),
        )
        target = warp_crop(pixels_bgr, matrix, size, border="edge")
        swapped = swap_boosted(swapper, target, code, weight=settings.identity_weight)
        boxed = "box" in settings.mask
        cover = box_mask(
            size,
            settings.mask_blur if boxed else _SEAM,
            settings.mask_padding if boxed else 0.0,
        )
        return SwappedCrop(swapped, target, cover, matrix)

    def _enhance(
        self,
        enhancer: Enhancer,
        crop: SwappedCrop,
        pixels_bgr: NDArray[np.uint8],
        points: NDArray[np.float32],
    ) -> SwappedCrop:
        settings = self._settings
        matrix = align(points, enhancer.template, enhancer.size)
        before = crop.recut(pixels_bgr, matrix, enhancer.size)
        after = enhancer.enhance(before.pixels, settings.enhancer_weight)
        mixed = cv2.addWeighted(
            after, settings.enhancer_blend, before.pixels, 1 - settings.enhancer_blend, 0
        )
        return SwappedCrop(np.asarray(mixed, np.uint8), before.target, before.cover, matrix)
