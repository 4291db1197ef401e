"""The five points by which a face is cut out for the networks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.affine import apply_affine
from masquerade.geometry.roi import Roi
from masquerade.geometry.templates import align, kps_from_landmarks
from masquerade.models.landmarkers import five_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.models.landmarkers import BoxLandmarker, FiveLandmarker
    from masquerade.stages.face_maker import WantedFace

__all__ = ["CropPoints"]

_TEMPLATE = "ffhq_512"
"""Any template does: it only has to take size, place and turn out of a face."""
_GAIN = 0.2
_DOUBT = (0.05, 0.16)
"""See :class:`masquerade.stages.steady.SteadyMesh`, whose rule this is: distances in eye distances
from which a look counts for more than the gain, and from which it alone is believed."""
_LEAST_SCORE = 0.5
_FURTHEST = 0.5
"""Mean distance from the mesh, in eye distances, above which the network saw something else."""
_MOST_TRACKS = 64


class CropPoints:
    """Tells them out of the mesh, as the detector saw them, or by a brought landmark network.

    Such a network sees each picture by itself, so its points tremble, and so would the square that
    is cut by them. The mesh does not: it is carried by what the pixels did. So each track remembers
    where the network's points lie about those of the mesh, and every look corrects that. A look
    that is far off, or of which the network itself is not sure, is not believed.

    May be called from several threads.

    Args:
        landmarker: a brought one; None where the settings' ``alignment`` chooses.
    """

    def __init__(self, landmarker: BoxLandmarker | FiveLandmarker | None = None) -> None:
        self._landmarker = landmarker
        self._lock = threading.Lock()
        self._tracks: dict[int, _Offsets] = {}

    def forget(self) -> None:
        """Forget the tracks: a new scene, or a new stream."""
        with self._lock:
            self._tracks.clear()

    def find(
        self, pixels_bgr: NDArray[np.uint8], face: WantedFace, settings: Settings
    ) -> NDArray[np.float32]:
        """The five points of one face.

        Args:
            pixels_bgr: uint8 (H, W, 3), the frame.
            face: its mesh and the detector's points; without a mesh these are taken.
            settings: ``alignment`` is read.

        Returns:
            float32 (5, 2), frame pixels, in the order of ``Face.kps``.

        Raises:
            ModelError: the landmark network failed.
        """
        if face.landmarks is None:
            return face.kps
        mesh = kps_from_landmarks(face.landmarks)
        plain = mesh if settings.alignment == "mesh" else face.kps
        if self._landmarker is None:
            return plain
        roi = Roi.from_landmarks(face.landmarks, 1.0)
        half = roi.size_px / 2
        bbox = np.array([roi.cx - half, roi.cy - half, roi.cx + half, roi.cy + half])
        seen = five_points(self._landmarker, pixels_bgr, bbox, roi.angle_rad, plain)
        with self._lock:
            return self._offsets(face.track_id).steadied(mesh, seen.points, seen.score)

    def _offsets(self, track_id: int) -> _Offsets:
        """What a track remembers; a face of no track remembers nothing."""
        if track_id < 0:
            return _Offsets()
        found = self._tracks.pop(track_id, None) or _Offsets()
        self._tracks[track_id] = found  # the latest is last
        if len(self._tracks) > _MOST_TRACKS:
            del self._tracks[next(iter(self._tracks))]
        return found


class _Offsets:
    """Where a network's five points lie about those of the mesh, for one face."""

    def __init__(self) -> None:
        self._mean = np.zeros((5, 2))  # in eye distances, along the face
        self._looks = 0

    def steadied(
        self, mesh: NDArray[np.float32], seen: NDArray[np.float32], score: float
    ) -> NDArray[np.float32]:
        """The points to cut by, float32 (5, 2), after one more look."""
        upright = align(mesh, _TEMPLATE, 1)
        own = apply_affine(upright, mesh)
        eyes = max(float(np.linalg.norm(own[1] - own[0])), 1e-6)
        offsets = (apply_affine(upright, seen) - own) / eyes
        if score >= _LEAST_SCORE and np.linalg.norm(offsets, axis=1).mean() <= _FURTHEST:
            self._correct(offsets)
        linear = np.linalg.inv(upright[:, :2])
        return (mesh + self._mean * eyes @ linear.T).astype(np.float32)

    def _correct(self, offsets: NDArray[np.float64]) -> None:
        self._looks += 1
        off = np.linalg.norm(offsets - self._mean, axis=1, keepdims=True)
        doubt = np.clip((off - _DOUBT[0]) / (_DOUBT[1] - _DOUBT[0]), 0, 1)
        gain = max(_GAIN, 1 / self._looks)
        self._mean += (gain + (1 - gain) * doubt) * (offsets - self._mean)
