"""Faces found in a picture that was turned by quarters, put back into the picture as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from masquerade.core.face import Face

__all__ = ["turn_back"]


def turn_back(face: Face, quarters: int, size_wh: tuple[int, int]) -> None:
    """Undo ``np.rot90(picture, quarters)`` for box and points of a face.

    Args:
        face: in pixels of the turned picture; changed in place.
        quarters: quarter turns counter-clockwise, from 0 on.
        size_wh: width and height of the turned picture.
    """
    width, height = size_wh
    for _ in range(quarters):
        width, height = height, width
        x0, y0, x1, y1 = face.bbox
        face.bbox = np.array([width - 1 - y1, x0, width - 1 - y0, x1], np.float32)
        face.kps = np.stack([width - 1 - face.kps[:, 1], face.kps[:, 0]], axis=1)
