"""From donor photos to an identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.core.errors import InputError, NoFaceInDonorError
from masquerade.core.face import Attributes
from masquerade.geometry.roi import Roi
from masquerade.models.detector import Detector
from masquerade.models.landmarker import Landmarker
from masquerade.stages.clean import find_skin
from masquerade.stages.fill import coverage_of, even_light, fill_skin
from masquerade.stages.neutral import neutral_shape
from masquerade.stages.regions import mirror_index
from masquerade.stages.unwrap import iris_to_uv, unwrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Enroller", "Photo"]

Photo = "str | Path | NDArray[np.uint8]"

_JITTERS = (
    # scale, shift right and down in window sides, turn in radians
    (1.00, 0.00, 0.00, 0.00),
    (0.93, 0.02, 0.01, 0.05),
    (1.07, -0.02, 0.01, -0.05),
    (0.97, 0.01, -0.02, -0.10),
    (1.04, -0.01, -0.02, 0.10),
)


class Enroller:
    """Makes identities. Networks are loaded at the first use and shared by all enrolments."""

    def __init__(self, threads: int = 0) -> None:
        self._detector = Detector(threads)
        self._landmarker = Landmarker(threads)

    def enroll(self, photos: Any, name: str | None = None, *, face_index: int | None = None) -> dict[str, Any]:
        listed = list(photos) if isinstance(photos, list | tuple) else [photos]
        pixels = [_pixels(p) for p in listed]
        found = [self._mesh(p, face_index) for p in pixels]
        points = found[0]
        flat = unwrap(pixels[0], points)
        skin = find_skin(flat.texture, flat.seen)
        texture = even_light(fill_skin(flat.texture, skin.trust, skin.model), 0.5)
        if name is None:
            name = Path(listed[0]).stem if isinstance(listed[0], str | Path) else "donor"
        unit = np.zeros(1024, np.float32)
        unit[0] = 1
        return {
            "name": name,
            "mesh": neutral_shape(points),
            "texture": texture,
            "coverage": coverage_of(skin.trust),
            "iris": iris_to_uv(points),
            "teeth": 0.0,
            "attributes": Attributes(unit, 40.0, 0.5),
            "photos": len(listed),
        }

    def _mesh(self, pixels: NDArray[np.uint8], face_index: int | None) -> NDArray[np.float32]:
        faces = self._detector.find(pixels, 0.4)
        if not faces:
            raise NoFaceInDonorError("No face was found in the donor photo; choose one that shows it.")
        faces.sort(key=lambda face: -face.size_px)
        face = faces[face_index or 0]
        roi = Roi.from_detection(face.bbox, face.kps)
        for _ in range(2):
            roi = Roi.from_landmarks(self._landmarker.locate(pixels, roi).points)
        return self._steady_mesh(pixels, roi)

    def _steady_mesh(self, pixels: NDArray[np.uint8], roi: Roi) -> NDArray[np.float32]:
        """Median of several looks, plain and mirrored."""
        rois = [
            Roi(roi.cx + dx * roi.size_px, roi.cy + dy * roi.size_px, roi.size_px * k, roi.angle_rad + a)
            for k, dx, dy, a in _JITTERS
        ]
        width = pixels.shape[1]
        mirrored = [Roi(width - 1 - r.cx, r.cy, r.size_px, -r.angle_rad) for r in rois]
        looks = [m.points for m in self._landmarker.locate_many(pixels, rois)]
        flipped = np.ascontiguousarray(pixels[:, ::-1])
        for mesh in self._landmarker.locate_many(flipped, mirrored):
            points = mesh.points[mirror_index()].copy()
            points[:, 0] = width - 1 - points[:, 0]
            looks.append(points)
        return np.median(looks, axis=0).astype(np.float32)


def _pixels(photo: Any) -> NDArray[np.uint8]:
    if isinstance(photo, np.ndarray):
        return photo
    data = cv2.imread(str(photo))
    if data is None:
        raise InputError(f"{photo} cannot be read as a picture; give a JPEG or PNG.")
    return data
