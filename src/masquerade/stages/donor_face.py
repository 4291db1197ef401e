"""The one face of a donor photo, found and measured as well as a still allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import NoFaceInDonorError
from masquerade.geometry.mesh import inter_ocular_px
from masquerade.geometry.roi import Roi
from masquerade.models.detector import Detector
from masquerade.models.landmarker import Landmarker
from masquerade.stages.regions import mirror_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face

__all__ = ["DonorFace", "FaceFinder"]

_MIN_SCORE, _LEAST_SCORE = 0.5, 0.3
_MIN_PRESENCE = 0.4
_MAX_SIDE_PX = 1600
"""Longer side of the face's window beyond which a photo is shrunk: the atlas shows no more."""
_JITTERS = (
    # scale, shift right and down in window sides, turn in radians
    (1.00, 0.00, 0.00, 0.00),
    (0.93, 0.02, 0.01, 0.05),
    (1.07, -0.02, 0.01, -0.05),
    (0.97, 0.01, -0.02, -0.10),
    (1.04, -0.01, -0.02, 0.10),
)
_STEADY, _UNSTEADY = 0.02, 0.04
"""Mean distance of a look from the median, in inter-ocular distances. Good photos stay below
0.016; meshes that miss the far side of a turned face are above 0.035."""
_ROTATIONS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180)


@dataclass(frozen=True, slots=True)
class DonorFace:
    """A face and the part of the photo around it.

    Attributes:
        pixels: uint8 (H, W, 3) BGR, the photo's surroundings of the face, upright.
        points: float32 (478, 3), mesh in these pixels.
        steady: 0..1, how well the looks of the landmark network agree: near 1 for usual photos, 0
            where the mesh is guessed.
        note: a sentence on what had to be chosen, or empty.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float32]
    steady: float
    note: str


class FaceFinder:
    """Finds donors' faces.

    Args:
        threads: threads of the networks; 0 chooses by the machine.
    """

    def __init__(self, threads: int = 0) -> None:
        self._detector = Detector(threads)
        self._landmarker = Landmarker(threads)

    def find(self, pixels: NDArray[np.uint8], label: str, face_index: int | None) -> DonorFace:
        """The face of a photo, the largest one by default.

        Args:
            pixels: uint8 (H, W, 3) BGR.
            label: what errors and notes call the photo.
            face_index: which face, counted from 0, the largest.

        Raises:
            NoFaceInDonorError: there is none, or fewer than ``face_index`` asks for.
        """
        upright, faces = self._search(pixels)
        if not faces:
            raise NoFaceInDonorError(
                f"{label} shows no face; choose a photo in which the face is well seen from the "
                "front."
            )
        if face_index is not None and face_index >= len(faces):
            raise NoFaceInDonorError(
                f"{label} shows {len(faces)} face{'s' * (len(faces) > 1)}, so there is no face "
                f"number {face_index}; count from 0, the largest."
            )
        return self._measure(upright, faces[face_index or 0], _note(label, faces, face_index))

    def _search(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], list[_Seen]]:
        """Faces that the landmark network confirms, largest first, in a photo turned upright."""
        for score in (_MIN_SCORE, _LEAST_SCORE):
            for rotation in _ROTATIONS:
                turned = np.asarray(
                    pixels if rotation is None else cv2.rotate(pixels, rotation), np.uint8
                )
                faces = self._confirmed(turned, self._detector.find(turned, score))
                if faces:
                    return turned, faces
        # A face that fills the photo is found once there is room around it.
        pad = max(pixels.shape[:2]) // 2
        border = cv2.copyMakeBorder(pixels, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        roomy = np.asarray(border, np.uint8)
        return roomy, self._confirmed(roomy, self._detector.find(roomy, _LEAST_SCORE))

    def _confirmed(self, pixels: NDArray[np.uint8], faces: list[Face]) -> list[_Seen]:
        rois = [Roi.from_detection(face.bbox, face.kps) for face in faces]
        meshes = self._landmarker.locate_many(pixels, rois)
        again = [Roi.from_landmarks(mesh.points) for mesh in meshes]
        found = [
            _Seen(Roi.from_landmarks(mesh.points), float(mesh.points[:, 0].mean()))
            for mesh in self._landmarker.locate_many(pixels, again)
            if mesh.presence >= _MIN_PRESENCE
        ]
        return sorted(found, key=lambda seen: -seen.roi.size_px)

    def _measure(self, pixels: NDArray[np.uint8], seen: _Seen, note: str) -> DonorFace:
        crop, roi = _surroundings(pixels, seen.roi)
        looks = self._looks(crop, roi)
        points = np.median(looks, axis=0).astype(np.float32)
        apart = np.median(np.linalg.norm(looks - points, axis=2), axis=0).mean()
        apart /= max(inter_ocular_px(points), 1.0)
        steady = np.clip((_UNSTEADY - apart) / (_UNSTEADY - _STEADY), 0, 1)
        return DonorFace(crop, points, float(steady), note)

    def _looks(self, pixels: NDArray[np.uint8], roi: Roi) -> NDArray[np.float32]:
        """What the network sees in several windows, plain and mirrored, float32 (N, 478, 3)."""
        rois = [
            Roi(
                roi.cx + right * roi.size_px,
                roi.cy + down * roi.size_px,
                roi.size_px * scale,
                roi.angle_rad + turn,
            )
            for scale, right, down, turn in _JITTERS
        ]
        last = pixels.shape[1] - 1
        mirrored = [Roi(last - r.cx, r.cy, r.size_px, -r.angle_rad) for r in rois]
        looks = [mesh.points for mesh in self._landmarker.locate_many(pixels, rois)]
        flipped = np.ascontiguousarray(pixels[:, ::-1])
        for mesh in self._landmarker.locate_many(flipped, mirrored):
            points = mesh.points[mirror_index()]
            points[:, 0] = last - points[:, 0]
            looks.append(points)
        return np.stack(looks)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A confirmed face: the window about it and where it stands."""

    roi: Roi
    middle_x: float


def _surroundings(pixels: NDArray[np.uint8], roi: Roi) -> tuple[NDArray[np.uint8], Roi]:
    """The part of the photo about a face, shrunk where it is larger than anything needs."""
    reach = 0.85 * roi.size_px
    height, width = pixels.shape[:2]
    x0, y0 = max(0, int(roi.cx - reach)), max(0, int(roi.cy - reach))
    x1, y1 = min(width, int(roi.cx + reach) + 1), min(height, int(roi.cy + reach) + 1)
    crop = pixels[y0:y1, x0:x1]
    shrink = min(1.0, _MAX_SIDE_PX / max(crop.shape[:2]))
    if shrink < 1:
        small = cv2.resize(crop, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        crop = np.asarray(small, np.uint8)
    cx, cy = ((value + 0.5) * shrink - 0.5 for value in (roi.cx - x0, roi.cy - y0))
    return np.ascontiguousarray(crop), Roi(cx, cy, roi.size_px * shrink, roi.angle_rad)


def _note(label: str, faces: list[_Seen], face_index: int | None) -> str:
    if len(faces) == 1 or face_index is not None:
        return ""
    order = sorted(faces, key=lambda seen: seen.middle_x)
    place = order.index(faces[0]) + 1
    return (
        f"{label} shows {len(faces)} faces; the largest was taken, number {place} from the left. "
        "Choose another with face_index (1 is the second largest)."
    )
