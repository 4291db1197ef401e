"""A face that a network has finished, and where that face was in its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from masquerade.stages.finished_face import FinishedFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["KeyFrame"]


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One finished face, ready to be carried to other frames.

    Attributes:
        finished: the swapped crop, what the frame showed there, mask and matrix.
        landmarks: float32 (478, 3), the face's points in that frame's pixels.
        seq: that frame's position in the stream.
        seconds: its time by the stream's own clock.
        donor: whose face it is, a key of the identities.
        track_id: whom it was drawn on.
    """

    finished: FinishedFace
    landmarks: NDArray[np.float32]
    seq: int
    seconds: float
    donor: str
    track_id: int
