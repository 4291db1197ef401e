"""One face in one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Attributes", "Face", "FaceState"]

FaceState = Literal["measured", "predicted", "lost"]
"""measured: the network saw it in this frame; predicted: carried by motion, still good to draw
on; lost: nobody knows where the landmarks are, only about where the face was (``bbox``)."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the embedder says of a face.

    Attributes:
        embedding_unit: float32 (1024,), L2-normalised; cosine compares two faces.
        age: years, 0 to 99, expectation of the network's distribution.
        male: probability 0..1.
    """

    embedding_unit: NDArray[np.float32]
    age: float
    male: float

    @property
    def gender(self) -> Literal["female", "male"]:
        """The likelier of the two values that the network knows."""
        return "male" if self.male >= 0.5 else "female"


@dataclass(slots=True)
class Face:
    """One face in one frame. Coordinates are frame pixels, x right, y down, pixel centres at .0.

    Attributes:
        bbox: float32 (4,) x0, y0, x1, y1.
        score: confidence 0..1 of the detector or of the landmark network's presence output.
        kps: float32 (5, 2): left eye, right eye, nose tip, left and right mouth corner, where
            left is the image's left.
        landmarks: float32 (478, 3), MediaPipe Face Mesh V2 order (468 mesh, 5 left iris, 5 right
            iris); z in pixels, smaller is nearer, origin at the head's centre. None until tracked.
        track_id: stable number of the person within the stream, from 0; -1 before tracking.
        state: see FaceState.
        lost_frames: frames since the last measurement, 0 while measured.
        attributes: embedding, age, gender; measured now and then per track, None until then.
        selected: whether this face is to be swapped. Once true for a track it stays true to the
            end of the scene.
        donor: name of the identity to draw, a key of the engine's identities; None with selected
            False.
        seen_kps: as ``kps``, but as the detector saw them when it last did, carried along and
            steadied by the mesh; None where it has not seen this face, or the face is lost.
        refused: it is selected and must not be swapped, so it is hidden as one that cannot be.
    """

    bbox: NDArray[np.float32]
    score: float
    kps: NDArray[np.float32] = field(default_factory=lambda: np.zeros((5, 2), np.float32))
    landmarks: NDArray[np.float32] | None = None
    track_id: int = -1
    state: FaceState = "measured"
    lost_frames: int = 0
    attributes: Attributes | None = None
    selected: bool = False
    donor: str | None = None
    seen_kps: NDArray[np.float32] | None = None
    refused: bool = False

    @property
    def size_px(self) -> float:
        """Longer side of the box in pixels."""
        return float(max(self.bbox[2] - self.bbox[0], self.bbox[3] - self.bbox[1]))
