"""Faces that are surely faces: detected, then seen by the landmark network too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from masquerade.geometry.boxes import iou_matrix
from masquerade.geometry.roi import Roi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.models.landmarker import Landmarker, Mesh

__all__ = ["FaceFinder", "ProposesFaces", "is_face"]

_MIN_PRESENCE = 0.7
"""Real faces reach 0.95 in both looks; what only resembles one drops below in the second."""
_MIN_OVERLAP = 0.25


class ProposesFaces(Protocol):
    """What is confirmed: ``Detector`` and ``NetworkDetector`` both fit."""

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        min_score: float = ...,
        *,
        thorough: bool = ...,
        turn: int = ...,
        looks: int = ...,
    ) -> list[Face]:
        """Faces of a frame, the best first."""
        ...

    def find_turned(
        self,
        pixels_bgr: NDArray[np.uint8],
        quarters: int,
        min_score: float = ...,
        *,
        thorough: bool = ...,
    ) -> list[Face]:
        """Faces that stand upright once the picture is turned by quarters."""
        ...


class FaceFinder:
    """A detector whose thorough searches are confirmed by the landmark network.

    It stands in for the :class:`Detector` wherever one is taken. A thorough search costs two
    runs of the landmark network per detection; a quick one costs what the detector's costs.

    Args:
        detector: proposes boxes.
        landmarker: looks twice at each: the second look starts from the landmarks of the first,
            which is where false detections fall apart.
    """

    def __init__(self, detector: ProposesFaces, landmarker: Landmarker) -> None:
        self._detector = detector
        self._landmarker = landmarker

    def find(
        self,
        pixels_bgr: NDArray[np.uint8],
        min_score: float = 0.5,
        *,
        thorough: bool = True,
        turn: int = 0,
        looks: int = 2,
    ) -> list[Face]:
        """Faces, largest first.

        Thorough: with ``landmarks``, confirmed, each face once; a picture that shows none is
        turned by quarters until one is found. Quick: the detector's own, unconfirmed.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            min_score: detector score 0..1 from which a face counts.
            thorough: search small and turned faces too, and confirm each.
            turn: see :meth:`Detector.find`.
            looks: see :meth:`Detector.find`.

        Raises:
            ModelError: weights are missing, or a network failed.
        """
        if not thorough:
            quick = self._detector.find(pixels_bgr, min_score, turn=turn, looks=looks)
            return sorted(quick, key=lambda face: -face.size_px)
        faces = self._confirm(pixels_bgr, self._detector.find(pixels_bgr, min_score, thorough=True))
        for quarters in (1, 3, 2):
            if faces:
                break
            turned = self._detector.find_turned(pixels_bgr, quarters, min_score)
            faces = self._confirm(pixels_bgr, turned)
        return faces

    def _confirm(self, pixels_bgr: NDArray[np.uint8], faces: list[Face]) -> list[Face]:
        windows = [Roi.from_detection(face.bbox, face.kps) for face in faces]
        firsts = self._landmarker.locate_many(pixels_bgr, windows)
        meshes = self._landmarker.locate_many(
            pixels_bgr, [Roi.from_landmarks(first.points) for first in firsts]
        )
        found: list[Face] = []
        for face, first, mesh in zip(faces, firsts, meshes, strict=True):
            if first.presence >= _MIN_PRESENCE and is_face(mesh, face.bbox):
                face.landmarks = mesh.points
                if not any(_same(face, other) for other in found):
                    found.append(face)
        return sorted(found, key=lambda face: -face.size_px)


def is_face(mesh: Mesh, bbox: NDArray[np.float32]) -> bool:
    """Whether a mesh confirms a detection: a face is present, and it is where the box said.

    Args:
        mesh: from a window around the box, better from the second look.
        bbox: float32 (4,) x0, y0, x1, y1 of the detector.
    """
    overlap = iou_matrix(_box(mesh.points)[None], bbox[None].astype(np.float32))
    return mesh.presence >= _MIN_PRESENCE and float(overlap[0, 0]) >= _MIN_OVERLAP


def _box(points: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = points[:, :2]
    return np.concatenate([flat.min(axis=0), flat.max(axis=0)]).astype(np.float32)


def _same(face: Face, other: Face) -> bool:
    assert face.landmarks is not None
    assert other.landmarks is not None
    overlap = iou_matrix(_box(face.landmarks)[None], _box(other.landmarks)[None])
    return float(overlap[0, 0]) > 0.5
