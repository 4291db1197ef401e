"""What is in front of a face, seen without a network and laid into a network's crop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.raster import rasterise
from masquerade.geometry.sampling import sample
from masquerade.models.canonical import CANONICAL
from masquerade.stages.meshswap.light import sample_field
from masquerade.stages.meshswap.occlusion import Occlusion, refine

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MeshOcclusion"]

_CELLS = 64
"""Cells along the crop's side at which the field is laid into it."""
_MOST_TRACKS = 64
_REFINED_PX = 256
"""Side at which the edge is pulled to the picture's; it is soft, so it needs no more."""
_WINDOW = 0.03
"""Half the window of that, as a share of the side."""


class MeshOcclusion:
    """The embedded swapper's finder of hands, hair and microphones, for crops.

    Remembers what each track has looked like, as it does there (``meshswap/occlusion.py``). May be
    asked from several threads at a time.
    """

    def __init__(self) -> None:
        self._tracks: dict[int, Occlusion] = {}
        self._lock = threading.Lock()

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        target: NDArray[np.uint8],
        matrix: NDArray[np.float64],
        track_id: int,
    ) -> NDArray[np.uint8] | None:
        """Where the face is free.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            landmarks: float32 (478, 3), the face's mesh in frame pixels.
            target: uint8 (S, S, 3), the frame's crop.
            matrix: float64 (2, 3), frame to crop.
            track_id: whose memory is used; a number below 0 has none.

        Returns:
            uint8 (S, S), 0 where something is in front of the face; None where nothing is.
        """
        field = sample_field(pixels_bgr, landmarks)
        with self._lock:  # two key frames of one track may be made at a time
            covered = self._memory(track_id).find(field)
        if covered is None:
            return None
        side = min(len(target), _REFINED_PX)
        seen = cv2.resize(
            _laid_into(covered, landmarks, matrix, len(target)),
            (side, side),
            interpolation=cv2.INTER_LINEAR,
        )
        guide = cv2.resize(target, (side, side), interpolation=cv2.INTER_AREA)
        hidden = refine(
            np.asarray(seen, np.float32), np.asarray(guide, np.uint8), max(2, round(_WINDOW * side))
        )
        free = np.asarray((1 - hidden) * 255 + 0.5, np.uint8)
        return np.asarray(cv2.resize(free, target.shape[1::-1]), np.uint8)

    def forget(self) -> None:
        """Forget all tracks: a new scene, or a new stream."""
        self._tracks.clear()

    def _memory(self, track_id: int) -> Occlusion:
        if track_id < 0:
            return Occlusion()
        known = self._tracks.pop(track_id, None) or Occlusion()
        self._tracks[track_id] = known  # the last used is the last to go
        while len(self._tracks) > _MOST_TRACKS:
            del self._tracks[next(iter(self._tracks))]
        return known


def _laid_into(
    field: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    matrix: NDArray[np.float64],
    size: int,
) -> NDArray[np.float32]:
    """A field of the face's atlas as the mesh shows it in the crop, float32 (64, 64)."""
    in_crop = apply_affine(matrix, landmarks[:468, :2])
    cells = ((in_crop + 0.5) * (_CELLS / size) - 0.5).astype(np.float32)
    surface = rasterise(cells, landmarks[:468, 2], CANONICAL.tri, (_CELLS, _CELLS))
    at = surface.interpolate(CANONICAL.uv) * np.float32(len(field)) - np.float32(0.5)
    shown = sample(field, at)
    shown[surface.triangle < 0] = 0
    return shown
