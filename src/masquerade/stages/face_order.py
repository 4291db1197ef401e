"""In which order faces are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from masquerade.core.face import Face
    from masquerade.core.settings import FaceOrder

__all__ = ["order_faces"]


def order_faces(faces: Iterable[Face], order: FaceOrder, size_wh: tuple[int, int]) -> list[Face]:
    """The faces in the order in which ``face_index`` counts them.

    Args:
        faces: of one frame.
        order: ``large`` the largest first; ``left``, ``right``, ``top``, ``bottom`` from that side
            of the frame; ``center`` the nearest to its middle first; ``best`` the largest first,
            where a face turned away counts as smaller.
        size_wh: width and height of the frame in pixels.
    """
    middle = np.array(size_wh, np.float32) / 2

    def rank(face: Face) -> float:
        x, y = face.bbox.reshape(2, 2).mean(axis=0)
        ranks = {
            "large": -face.size_px,
            "left": x,
            "right": -x,
            "top": y,
            "bottom": -y,
            "center": np.hypot(*(np.array([x, y]) - middle)),
            "best": -face.size_px * face.score * _frontality(face),
        }
        return float(ranks[order])

    return sorted(faces, key=rank)


def _frontality(face: Face) -> float:
    """1 where the nose lies midway between the eyes, 0 where it lies beyond one of them."""
    left, right, nose = face.kps[:3].astype(np.float64)
    across = right - left
    along = float((nose - left) @ across) / max(float(across @ across), 1e-6)
    return float(np.clip(1.0 - abs(along - 0.5) * 2.0, 0.0, 1.0))
