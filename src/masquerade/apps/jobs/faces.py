"""The faces of one picture, for people who choose among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.engine.finding import finding_stages
from masquerade.engine.networks import shared_networks

if TYPE_CHECKING:
    from typing import Literal

    from numpy.typing import NDArray

    from masquerade.core.face import Attributes, Face

__all__ = ["SeenFace", "find_faces"]

_MARGIN = 0.4
"""Room about a face's box, by its sides, so that it is found again in its cutting."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """One face of a picture.

    Attributes:
        box: (x0, y0, x1, y1), shares of the picture's width and height, 0..1.
        score: 0..1, how sure the detector is.
        age: years.
        gender: the likelier one.
        cutting: uint8 (h, w, 3) BGR, the face with a little around it; good as a reference.
    """

    box: tuple[float, float, float, float]
    score: float
    age: float
    gender: Literal["female", "male"]
    cutting: NDArray[np.uint8]


def find_faces(
    pixels: NDArray[np.uint8], *, score: float = 0.5, threads: int = 1
) -> list[SeenFace]:
    """Find faces as a swap finds them, from left to right: their order is the same each time.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        score: detector score from which a face counts.
        threads: of the networks.
    """
    settings = Settings(detect_score=score, threads=threads)
    job = FrameJob(Frame(pixels))
    for stage in finding_stages(settings):
        job = stage.process(job)
    seen = [face for face in job.faces if face.state != "lost" and face.landmarks is not None]
    seen.sort(key=lambda face: float(face.bbox[0] + face.bbox[2]))
    if not seen:
        return []
    meshes = [face.landmarks for face in seen if face.landmarks is not None]
    looks = shared_networks(threads).embedder.describe(pixels, meshes)
    return [_seen(pixels, face, look) for face, look in zip(seen, looks, strict=True)]


def _seen(pixels: NDArray[np.uint8], face: Face, look: Attributes) -> SeenFace:
    height, width = pixels.shape[:2]
    size = np.array([width, height, width, height], np.float64)
    x0, y0, x1, y1 = np.clip(face.bbox / size, 0, 1).tolist()
    return SeenFace((x0, y0, x1, y1), face.score, look.age, look.gender, _cut(pixels, face))


def _cut(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = face.bbox
    room_x, room_y = _MARGIN * (x1 - x0), _MARGIN * (y1 - y0)
    limits = np.array([pixels.shape[1], pixels.shape[0]] * 2)
    wanted = np.round([x0 - room_x, y0 - room_y, x1 + room_x, y1 + room_y])
    left, top, right, bottom = np.clip(wanted, 0, limits).astype(int).tolist()
    return np.ascontiguousarray(pixels[top:bottom, left:right])
