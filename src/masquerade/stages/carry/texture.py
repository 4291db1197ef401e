"""The picture that the mesh draws between key frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from masquerade.geometry.mesh import IRIS_CENTRES
from masquerade.geometry.sampling import reduce
from masquerade.stages.carry.openings import Openings
from masquerade.stages.meshswap.parts import with_rings
from masquerade.stages.meshswap.shape import close_lids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame import Patch
    from masquerade.stages.carry.key_frame import KeyFrame

__all__ = ["KeyTexture", "mesh_vertices"]

_MOST_TEXELS_PER_PX, _TEXELS_PER_PX = 1.6, 1.3
"""Texels for a pixel of the frame from which a crop is reduced, and to how many: more shimmer, and
fewer blur what is sampled between them."""
_SMALL_PX = 160
"""Longer side of the small copies, about one texel for a cell of the grid that is drawn on."""


@dataclass(frozen=True, slots=True)
class KeyTexture:
    """A finished face with its mesh, in pixels of its own picture; centres at whole numbers.

    Attributes:
        pixels: uint8 (H, W, 3) BGR, the face to draw.
        film: uint8 (H, W, 3) BGR, what the frame showed there.
        small: uint8 (h, w, 3), the face to draw, reduced.
        small_film: uint8 (h, w, 3), what the frame showed, reduced.
        mask: uint8 (h, w); 255 shows the face.
        points: float32 (V, 3), the mesh's vertices (see :func:`mesh_vertices`).
        openings: how far mouth and eyes were open.
    """

    pixels: NDArray[np.uint8]
    film: NDArray[np.uint8]
    small: NDArray[np.uint8]
    small_film: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    points: NDArray[np.float32]
    openings: Openings

    @classmethod
    def of_key(cls, key: KeyFrame, resolution: float = 1.0) -> Self:
        """The texture of a key frame.

        Args:
            key: what the network has finished.
            resolution: share of the frame's resolution that faces are drawn at.
        """
        finished = key.finished
        density = math.hypot(*finished.matrix[:, 0]) / resolution
        side = len(finished.pixels)
        wanted = side
        if density > _MOST_TEXELS_PER_PX:
            wanted = max(2, round(side * _TEXELS_PER_PX / density))
        points = mesh_vertices(key.landmarks)
        points[:, :2] = points[:, :2] @ finished.matrix[:, :2].T + finished.matrix[:, 2]
        points[:, 2] *= math.hypot(*finished.matrix[:, 0])
        pixels, film = finished.pixels, finished.target
        if wanted != side:
            pixels, film = reduce(pixels, (wanted, wanted)), reduce(film, (wanted, wanted))
            points[:, :2] = (points[:, :2] + 0.5) * (wanted / side) - 0.5
            points[:, 2] *= wanted / side
        return cls._of(pixels, film, finished.mask, points, Openings.of(key.landmarks))

    @classmethod
    def of_patch(
        cls, frame: NDArray[np.uint8], patch: Patch, landmarks: NDArray[np.float32]
    ) -> Self:
        """What another swapper has drawn, as if it were a key frame.

        Args:
            frame: uint8 (H, W, 3) BGR, the frame it was drawn for.
            patch: what was drawn.
            landmarks: float32 (478, 3) frame pixels.
        """
        x0, y0, x1, y1 = patch.box
        points = mesh_vertices(landmarks)
        points[:, :2] -= (x0, y0)
        film = frame[y0:y1, x0:x1].copy()
        return cls._of(patch.pixels, film, patch.mask, points, Openings.of(landmarks))

    @classmethod
    def _of(
        cls,
        pixels: NDArray[np.uint8],
        film: NDArray[np.uint8],
        mask: NDArray[np.uint8],
        points: NDArray[np.float32],
        openings: Openings,
    ) -> Self:
        height, width = pixels.shape[:2]
        scale = min(1.0, _SMALL_PX / max(height, width))
        size_wh = max(2, round(width * scale)), max(2, round(height * scale))
        small, small_film, covers = (reduce(part, size_wh) for part in (pixels, film, mask))
        return cls(pixels, film, small, small_film, covers, points, openings)

    def showing(self, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> Self:
        """The same place with another face on it.

        Args:
            pixels: uint8 (H, W, 3) BGR.
            mask: uint8 (H, W); 255 shows the face.
        """
        size_wh = self.small.shape[1::-1]
        small, covers = reduce(pixels, size_wh), reduce(mask, size_wh)
        return replace(self, pixels=pixels, small=small, mask=covers)

    def mixed(self, other: Self, share: float) -> Self:
        """This one with a share of another one that lies in the same place.

        Args:
            other: a texture of :meth:`showing`.
            share: 0 shows this one alone, 1 the other.
        """
        pixels, small, mask = (
            np.asarray(cv2.addWeighted(own, 1 - share, theirs, share, 0), np.uint8)
            for own, theirs in (
                (self.pixels, other.pixels),
                (self.small, other.small),
                (self.mask, other.mask),
            )
        )
        return replace(self, pixels=pixels, small=small, mask=mask)


def mesh_vertices(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vertices that are drawn: face, iris centres and rings around, float32 (V, 3).

    Args:
        landmarks: float32 (478, 3) in pixels of any picture.
    """
    points = np.concatenate([landmarks[:468], landmarks[list(IRIS_CENTRES)]])
    close_lids(points)
    return with_rings(points)
