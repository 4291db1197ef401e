"""All that limits a swapped crop, chosen by the settings and joined into one mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from masquerade.core.errors import ModelError
from masquerade.models.maskers import mask_kind
from masquerade.stages.face_masks import combine, mesh_mask
from masquerade.stages.mesh_occlusion import MeshOcclusion
from masquerade.stages.mouth_mask import mouth_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.models.spec import ModelSpec
    from masquerade.stages.swapped_crop import SwappedCrop

__all__ = ["CropMasks", "Masker"]


class Masker(Protocol):
    """A network that says where a face may be drawn."""

    @property
    def spec(self) -> ModelSpec:
        """Its entry in the registry; the family tells regions from what is in front."""
        ...

    @property
    def size(self) -> int:
        """Side of its crops in pixels."""
        ...

    def mask(self, crop_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """For uint8 (S, S, 3) BGR: uint8 (S, S), 255 where the face may be drawn."""
        ...


class CropMasks:
    """Makes the mask of a crop. What is in front is told by the embedded finder where no network
    for it was given.

    Args:
        maskers: networks that tell regions, or what is in front.
        settings: ``mask`` and ``mouth_mask`` are read.

    Raises:
        ModelError: a mask of regions was asked for and there is no network that tells them.
    """

    def __init__(self, maskers: Sequence[Masker], settings: Settings) -> None:
        self._regions = tuple(item for item in maskers if mask_kind(item.spec) == "region")
        self._front = tuple(item for item in maskers if mask_kind(item.spec) == "occlusion")
        self._embedded = MeshOcclusion()
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Make masks by other settings from the next one on."""
        if "region" in settings.mask and not self._regions:
            raise ModelError(
                "The mask 'region' needs a network that tells a face's regions. "
                "Get one with `masquerade models pull bisenet_resnet_34`, or leave it out."
            )
        self._settings = settings

    def forget(self) -> None:
        """Forget what the tracks have looked like: a new scene, or a new stream."""
        self._embedded.forget()

    def make(
        self,
        crop: SwappedCrop,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32] | None,
        track_id: int,
    ) -> NDArray[np.uint8]:
        """The mask of a crop.

        Args:
            crop: what was drawn; its ``cover`` is the box.
            pixels_bgr: uint8 (H, W, 3), the frame.
            landmarks: float32 (478, 3), the face's mesh in frame pixels; without it there is
                neither the mesh's mask, nor the mouth's, nor the embedded finder.
            track_id: whose memory that finder uses.

        Returns:
            uint8 (S, S), 255 takes the swapped pixels.
        """
        wanted, size = self._settings.mask, len(crop.pixels)
        masks: list[NDArray[np.uint8] | None] = []
        if "occlusion" in wanted and self._front:
            masks += [_asked(masker, crop.target) for masker in self._front]
        if "region" in wanted:
            masks += [_asked(masker, crop.target) for masker in self._regions]
        if landmarks is not None:
            if "mesh" in wanted:
                masks.append(mesh_mask(landmarks, crop.matrix, size))
            if "occlusion" in wanted and not self._front:
                masks.append(
                    self._embedded.find(pixels_bgr, landmarks, crop.target, crop.matrix, track_id)
                )
            if self._settings.mouth_mask > 0:
                mouth = mouth_mask(landmarks, crop.matrix, size, self._settings.mouth_mask)
                masks.append(np.asarray(cv2.bitwise_not(mouth), np.uint8))
        return combine(crop.cover, *masks)


def _asked(masker: Masker, target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A network's mask of a crop of any size."""
    side, size = (masker.size, masker.size), target.shape[1::-1]
    if size == side:
        return masker.mask(target)
    shrinks = masker.size < size[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    mask = masker.mask(np.asarray(cv2.resize(target, side, interpolation=how), np.uint8))
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)
