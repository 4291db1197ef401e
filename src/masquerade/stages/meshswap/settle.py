"""The swap looks at its own result once, and puts right what the landmark network sees there.

The network does not only see where a texture lies: its answer also leans on what the texture shows.
Lips drawn exactly where the target has its own are seen a little elsewhere when they are another
person's. The lean hardly changes within a track, so it is measured on the first frame, twice, and
taken off from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.mesh import OVAL, smooth_over_mesh
from masquerade.geometry.roi import Roi
from masquerade.models.canonical import CANONICAL
from masquerade.stages.neutral import pose_of, to_canonical, turn_degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.models.landmarker import Landmarker

__all__ = ["Draw", "Lean"]

Draw = Callable[["Lean"], "NDArray[np.uint8]"]
"""Draws the frame with a correction: uint8 (H, W, 3) BGR."""

_ROUNDS = 2
_STEP = 0.75
_MOST_CM = 0.35
_FRONTAL_DEG = 25.0
_SURE = 0.5


class Lean:
    """A correction of the drawn vertices, constant in the face's own frame.

    Attributes:
        offset_cm: float64 (468, 3) in the canonical frame.
    """

    def __init__(self) -> None:
        self.offset_cm: NDArray[np.float64] = np.zeros((468, 3))

    @classmethod
    def measure(
        cls,
        landmarker: Landmarker,
        pixels: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        offsets: NDArray[np.float32],
        share: float,
        draw: Draw,
    ) -> Lean:
        """Find the correction on one frame; none where the face is turned or hard to see.

        Args:
            landmarker: the network that looks.
            pixels: uint8 (H, W, 3) BGR, the target's frame.
            landmarks: float32 (478, 3) frame pixels.
            offsets: float32 (468, 3) pixels by which the face's shape is meant to differ.
            share: how much of the lean is taken off, 0..1.
            draw: renders the frame with a given correction.
        """
        lean = cls()
        pose = pose_of(landmarks)
        roi = Roi.from_landmarks(landmarks)
        film = landmarker.locate(pixels, roi)
        if abs(turn_degrees(pose)[0]) > _FRONTAL_DEG or film.presence < _SURE:
            return lean
        for _ in range(_ROUNDS):
            seen = landmarker.locate(draw(lean), roi)
            if seen.presence < _SURE:
                return cls()
            error = seen.points[:468] - film.points[:468] - offsets
            error_cm = to_canonical(error, pose)
            lean.offset_cm = lean.offset_cm - _STEP * share * _allowed(error_cm)
        return lean


def _allowed(error_cm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of an error that is put right: smooth, within the picture's plane, not the rim."""
    smooth = smooth_over_mesh(error_cm, CANONICAL.tri, 1)
    smooth[:, 2] = 0
    smooth[OVAL] = 0
    length = np.linalg.norm(smooth, axis=1, keepdims=True)
    return np.asarray(smooth * np.minimum(1.0, _MOST_CM / np.maximum(length, 1e-9)))
