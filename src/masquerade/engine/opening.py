"""A face's first frames, from which the swap takes its shape once and for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from masquerade.stages.neutral import pose_of, turn_degrees

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face import Face

__all__ = ["Opening", "Openings"]

_WEIGHT, _FEWEST, _MOST = 12.0, 16, 80
"""How much is seen of a face until its shape is settled: a frontal frame counts 1, a profile next
to nothing (``stages/meshswap/shape.py``); and how many frames that is at least and at the most."""


@dataclass(slots=True)
class Opening:
    """The first frames on which somebody is drawn.

    Attributes:
        first_pts, last_pts: times of the first frame and of the latest one that counts.
        box: float32 (4,) xyxy, of the face on the first frame.
        settled: whether its shape is known; no later frame counts then.
    """

    first_pts: int
    box: NDArray[np.float32]
    last_pts: int = 0
    settled: bool = False
    _drawn: int = 0
    _weight: float = 0.0

    def see(self, pts: int, landmarks: NDArray[np.float32]) -> None:
        """Take note of the next frame on which the face is drawn."""
        if self.settled:
            return
        self.last_pts = pts
        self._drawn += 1
        self._weight += max(1.0 - abs(turn_degrees(pose_of(landmarks))[0]) / 45.0, 0.05)
        done = self._weight >= _WEIGHT and self._drawn >= _FEWEST
        self.settled = done or self._drawn >= _MOST


@dataclass(slots=True)
class Openings:
    """Those of everybody in a take.

    Attributes:
        found: by the number of the person.
    """

    found: dict[int, Opening] = field(default_factory=dict)

    def see(self, pts: int, faces: Sequence[Face]) -> None:
        """Take note of the faces of the next frame.

        Args:
            pts: the frame's time.
            faces: with the people's numbers.
        """
        for face in faces:
            if face.selected and face.landmarks is not None and face.state != "lost":
                opening = self.found.setdefault(face.track_id, Opening(pts, face.bbox.copy()))
                opening.see(pts, face.landmarks)
