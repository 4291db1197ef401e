"""The five points by which a face is cut out for the networks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.roi import Roi
from masquerade.geometry.templates import kps_from_landmarks
from masquerade.models.landmarkers import five_points
from masquerade.stages.steady_five import SteadyFive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.models.landmarkers import BoxLandmarker, FiveLandmarker
    from masquerade.stages.face_maker import WantedFace

__all__ = ["CropPoints"]

_LEAST_SCORE = 0.5
_MOST_TRACKS = 64


class CropPoints:
    """Tells them out of the mesh, as the detector saw them, or by a brought landmark network.

    Such a network's points tremble, and so would the square that is cut by them; those of each
    track are steadied by its mesh. A look of which the network is not sure is not believed.

    May be called from several threads.

    Args:
        landmarker: a brought one; None where the settings' ``alignment`` chooses.
    """

    def __init__(self, landmarker: BoxLandmarker | FiveLandmarker | None = None) -> None:
        self._landmarker = landmarker
        self._lock = threading.Lock()
        self._tracks: dict[int, SteadyFive] = {}

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
            steady = self._steady(face.track_id)
            if seen.score >= _LEAST_SCORE:
                steady.look(mesh, seen.points)
            return steady.beside(mesh)

    def _steady(self, track_id: int) -> SteadyFive:
        """What a track remembers; a face of no track remembers nothing."""
        if track_id < 0:
            return SteadyFive()
        found = self._tracks.pop(track_id, None) or SteadyFive()
        self._tracks[track_id] = found  # the latest is last
        if len(self._tracks) > _MOST_TRACKS:
            del self._tracks[next(iter(self._tracks))]
        return found
