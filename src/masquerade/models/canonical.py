"""The canonical face: the shape that the 468 mesh points have in a neutral, average face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from masquerade.models.store import weight_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CANONICAL", "CanonicalFace"]


@dataclass(frozen=True, slots=True)
class CanonicalFace:
    """MediaPipe's canonical face model; the arrays are read-only.

    Attributes:
        pos: float32 (468, 3), centimetres; x to the image's right, y up, z towards the camera.
        uv: float32 (468, 2), texture coordinates 0..1; u to the right, v down: the forehead is at
            the small v, so a texel of an atlas of side S is (u * S - 0.5, v * S - 0.5).
        tri: int32 (898, 3), corners of the triangles as indices of points.
    """

    pos: NDArray[np.float32]
    uv: NDArray[np.float32]
    tri: NDArray[np.int32]


@cache
def _load() -> CanonicalFace:
    with np.load(weight_path("canonical"), allow_pickle=False) as archive:
        face = CanonicalFace(
            archive["pos"].astype(np.float32),
            archive["uv"].astype(np.float32),
            archive["tri"].astype(np.int32),
        )
    for array in (face.pos, face.uv, face.tri):
        array.setflags(write=False)
    return face


CANONICAL: CanonicalFace = _load()
