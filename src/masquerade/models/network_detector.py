"""A brought detector in the place of the shipped one: the same searches, its own faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from masquerade.geometry.boxes import iou_matrix, tile_spans
from masquerade.models.turning import turn_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face

__all__ = ["FindsFacesAt", "NetworkDetector"]

_SMALLEST_FACE_PX = 40
"""Faces of this size and more are promised, as by the shipped detector."""
_FLOOR_PX = 10
"""Size of the faces that public detectors find reliably, in pixels of their input."""
_OVERLAP_PX = 16
_SAME, _INSIDE = 0.4, 0.8
Box = tuple[int, int, int, int]


class FindsFacesAt(Protocol):
    """A brought detector: see ``models/face_detectors``."""

    def find(
        self, pixels_bgr: NDArray[np.uint8], min_score: float, size_wh: tuple[int, int]
    ) -> list[Face]:
        """Faces with their five points, in pixels of the picture."""
        ...


class NetworkDetector:
    """Looks at the whole frame, and at parts of a large one for small faces.

    It stands in for :class:`Detector`, so that the landmark network confirms and follows what it
    finds.

    Args:
        detector: the network.
        size_wh: of the picture that the network sees.
    """

    def __init__(self, detector: FindsFacesAt, size_wh: tuple[int, int]) -> None:
        self._detector = detector
        self._size_wh = size_wh

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        min_score: float = 0.5,
        *,
        thorough: bool = False,
        turn: int = 0,
        looks: int = 2,
    ) -> list[Face]:
        """Faces, best first.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            min_score: 0..1, from which a detection counts.
            thorough: look at the whole frame and at all its parts. Without it, at the whole and
                at one of the parts, where the frame is so large that it has parts.
            turn: which of the parts; counting it up goes round them all.
            looks: 2 for the whole and a part; 1 for either, by turns.

        Raises:
            ModelError: the network failed.
        """
        height, width = pixels_bgr.shape[:2]
        whole, parts = (0, 0, width, height), self._parts(width, height)
        if thorough or not parts:
            boxes = [whole, *parts]
        elif looks == 1:
            boxes = [parts[turn // 2 % len(parts)] if turn % 2 else whole]
        else:
            boxes = [whole, parts[turn % len(parts)]]
        return _merged([self._look(pixels_bgr, box, whole, min_score) for box in boxes])

    def find_turned(
        self,
        pixels_bgr: NDArray[np.uint8],
        quarters: int,
        min_score: float = 0.5,
        *,
        thorough: bool = True,
    ) -> list[Face]:
        """Faces that stand upright once the picture is turned, in frame pixels.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            quarters: quarter turns counter-clockwise, as for ``np.rot90``.
            min_score: 0..1, from which a detection counts.
            thorough: look at the parts of a large frame too.

        Raises:
            ModelError: the network failed.
        """
        turned = np.ascontiguousarray(np.rot90(pixels_bgr, quarters))
        height, width = turned.shape[:2]
        if thorough:
            faces = self.find(turned, min_score, thorough=True)
        else:
            whole = (0, 0, width, height)
            faces = self._look(turned, whole, whole, min_score)
        for face in faces:
            turn_back(face, quarters, (width, height))
        return faces

    def _parts(self, width: int, height: int) -> list[Box]:
        """Parts in which the smallest face is large enough for the network; none in most frames."""
        reach = _SMALLEST_FACE_PX / _FLOOR_PX
        tile_w, tile_h = (round(side * reach) for side in self._size_wh)
        if width <= tile_w and height <= tile_h:
            return []
        overlap = round(_OVERLAP_PX * reach)
        return [
            (x0, y0, x1, y1)
            for y0, y1 in tile_spans(height, tile_h, overlap)
            for x0, x1 in tile_spans(width, tile_w, overlap)
        ]

    def _look(
        self, pixels_bgr: NDArray[np.uint8], box: Box, whole: Box, min_score: float
    ) -> list[Face]:
        x0, y0, x1, y1 = box
        part = pixels_bgr if box == whole else np.ascontiguousarray(pixels_bgr[y0:y1, x0:x1])
        faces = [
            face
            for face in self._detector.find(part, min_score, self._size_wh)
            if not _is_cut(face, box, whole)
        ]
        origin = np.array([x0, y0], np.float32)
        for face in faces:
            face.bbox = face.bbox + np.tile(origin, 2)
            face.kps = face.kps + origin
        return faces


def _is_cut(face: Face, box: Box, whole: Box) -> bool:
    """Whether a side of the part, which is none of the frame, goes through the face."""
    low, high = face.bbox[:2] < 1, face.bbox[2:] > np.subtract(box[2:], box[:2]) - 1
    inner_low = np.greater(box[:2], whole[:2])
    inner_high = np.less(box[2:], whole[2:])
    return bool((low & inner_low).any() or (high & inner_high).any())


def _merged(looks: list[list[Face]]) -> list[Face]:
    """Each face once, the best first. What one look tells apart stays apart.

    A later look may see a face again, or a part of a large one as a small face.
    """
    kept: list[Face] = []
    for faces in looks:
        seen = np.array([face.bbox for face in kept], np.float32).reshape(-1, 4)
        kept += [face for face in faces if not _is_known(face.bbox, seen)]
    return sorted(kept, key=lambda face: -face.score)


def _is_known(bbox: NDArray[np.float32], seen: NDArray[np.float32]) -> bool:
    """Whether a box is much the same as one that was seen, or lies in it, or holds it."""
    shared = np.minimum(bbox[2:], seen[:, 2:]) - np.maximum(bbox[:2], seen[:, :2])
    area = np.clip(shared, 0, None).prod(axis=1)
    smaller = np.minimum((bbox[2:] - bbox[:2]).prod(), (seen[:, 2:] - seen[:, :2]).prod(axis=1))
    overlap = iou_matrix(bbox[None].astype(np.float32), seen)[0]
    return bool(((overlap > _SAME) | (area > _INSIDE * smaller)).any())
