"""What is true of a puppet's frame, known because it was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.media.puppet.expression import Expression

__all__ = ["FrameTruth", "HeadTruth"]


@dataclass(frozen=True, slots=True, eq=False)
class HeadTruth:
    """One head in one frame.

    Attributes:
        name: the actor's name, the same in every scene.
        visible: whether at least a quarter of the face can be seen in the frame.
        visible_part: how much of the face lies in the frame and has nothing in front, 0..1.
        bbox: float32 (4,) x0, y0, x1, y1 of the mesh in frame pixels, not clipped.
        landmarks: float32 (478, 3), MediaPipe Face Mesh V2 order, frame pixels; z in pixels,
            smaller is nearer.
        yaw_deg, pitch_deg, roll_deg: the head against one that looks straight into the camera;
            positive is the nose to the image's right, up, and the crown to the image's right.
        expression: what the face does.
        face: uint8 (H, W), 255 where this face would be seen with nothing in front of it.
        occlusion: uint8 (H, W), 255 on the part of ``face`` that something hides.
    """

    name: str
    visible: bool
    visible_part: float
    bbox: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    expression: Expression
    face: NDArray[np.uint8]
    occlusion: NDArray[np.uint8]

    @property
    def size_px(self) -> float:
        """Height of the face mesh in the frame."""
        return float(self.bbox[3] - self.bbox[1])


@dataclass(frozen=True, slots=True, eq=False)
class FrameTruth:
    """One frame.

    Attributes:
        seq: its number.
        scene: number of the scene, from 0; a change is a cut.
        heads: every actor of the scene, seen or not, in the order in which they are drawn.
    """

    seq: int
    scene: int
    heads: tuple[HeadTruth, ...]

    def head(self, name: str) -> HeadTruth | None:
        """The head of an actor, None where he is not in the scene."""
        return next((head for head in self.heads if head.name == name), None)
