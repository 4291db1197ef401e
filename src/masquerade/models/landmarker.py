"""478 landmarks of a face, from the window in which it is known to be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from masquerade.models.store import open_network
from masquerade.models.window import cut_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from masquerade.geometry.roi import Roi
    from masquerade.runtime.session import Session

__all__ = ["CROP_PX", "Landmarker", "Mesh"]

CROP_PX = 256
"""Side of the crop that the network takes."""
_MOST_AT_ONCE = 4
"""Crops of one run. Ten take a third longer each, and the network keeps the memory for them."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """What the landmark network saw in one window.

    Attributes:
        points: float32 (478, 3), frame pixels with pixel centres at whole numbers; 468 points of
            the face, 5 of the left and 5 of the right iris. z in pixels too, smaller is nearer.
        presence: probability 0..1 that the window holds a face.
    """

    points: NDArray[np.float32]
    presence: float


class Landmarker:
    """Face Mesh V2. The network is loaded at the first call.

    Args:
        threads: threads of the network; 0 chooses by the machine.
        device: where it runs, such as "cuda:0"; "" is the processor.
    """

    def __init__(self, threads: int = 0, device: str = "") -> None:
        self._threads, self._device = threads, device

    @cached_property
    def _network(self) -> Session:
        return open_network("landmarks", self._threads, self._device)

    def locate(self, pixels_bgr: NDArray[np.uint8], roi: Roi) -> Mesh:
        """The mesh in one window; see :meth:`locate_many`."""
        return self.locate_many(pixels_bgr, (roi,))[0]

    def locate_many(self, pixels_bgr: NDArray[np.uint8], rois: Sequence[Roi]) -> list[Mesh]:
        """The meshes in several windows of one frame, in their order.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            rois: windows; what lies outside the frame is black.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        meshes: list[Mesh] = []
        most = 1 if self._device else _MOST_AT_ONCE
        for first in range(0, len(rois), most):
            meshes += self._run(pixels_bgr, rois[first : first + most])
        return meshes

    def _run(self, pixels_bgr: NDArray[np.uint8], rois: Sequence[Roi]) -> list[Mesh]:
        crops = np.empty((len(rois), CROP_PX, CROP_PX, 3), np.uint8)
        for roi, crop in zip(rois, crops, strict=True):
            cut_window(pixels_bgr, roi, crop)
        points, presence = self._network.run({"crop": crops})
        shaped = points.reshape(len(rois), -1, 3)
        odds = presence.reshape(-1)
        return [
            Mesh(_to_frame(local, roi), float(1.0 / (1.0 + np.exp(-logit))))
            for local, roi, logit in zip(shaped, rois, odds, strict=True)
        ]


def _to_frame(local: NDArray[np.float32], roi: Roi) -> NDArray[np.float32]:
    """Crop to frame. The network counts from the crop's edge, where pixel centres are at .5."""
    inverse = roi.inverse_matrix(CROP_PX)
    points = np.empty_like(local)
    points[:, :2] = (local[:, :2] - 0.5) @ inverse[:, :2].T + inverse[:, 2]
    points[:, 2] = local[:, 2] * (roi.size_px / CROP_PX)
    return points
