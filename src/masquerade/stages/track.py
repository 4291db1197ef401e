"""Who is where: track numbers, steady landmarks, and what is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.boxes import iou_matrix
from masquerade.geometry.flow import FaceFlow
from masquerade.geometry.mesh import inter_ocular_px
from masquerade.geometry.roi import Roi
from masquerade.models.landmarker import Mesh
from masquerade.stages.tracks import FaceTrack, due_tracks, mesh_box, same_face

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings
    from masquerade.models.landmarker import Landmarker

__all__ = ["Track"]

_PRESENCE = 0.5
_JOIN_IOU = 0.35
"""Overlap from which a detection is a face that is followed already."""
_LOOKS = ((0.97, -0.04), (1.0, 0.0), (1.03, 0.04))
"""Scale and turn (radians) of the windows whose mean is the first mesh of a face."""
_SPREAD, _WIDE_SPREAD = 0.03, 0.08
"""How far the looks may differ, in eye distances: on a face they agree within 0.02, on what only
resembles one they do not."""
_SURE_SCORE = 0.8
"""Detector score from which the looks may differ more, as on a face half hidden."""
_FORGET_FRAMES = 90
"""Frames after which a lost face that is not to be swapped is forgotten."""
_YOUNG_FRAMES = 30
_SAME_PERSON = 0.6
_MIN_SIZE_PX = 16.0
_MIN_INSIDE = 0.25


class Track:
    """Follows every face: one landmark run a frame for all of them, and a small flow for each.

    Reads ``job.faces`` as fresh detections where ``job.detected`` is set, and replaces them by the
    live tracks in the order of their numbers. A detection becomes a track only where the landmark
    network sees a face, so what the detector took for one dies in its first frame.

    Args:
        landmarker: measures meshes.
        settings: nothing of it is read yet; every stage is built alike.
        search: searches a job's frame for faces at once; asked where a followed face was not seen
            in a frame that was not searched. Without it such a face is looked for one frame later.

    Attributes:
        looks: frames from one look of the landmark network at a face to the next; may be set
            between two frames. In between the flow alone carries it; who is missed or young is
            looked at in every frame.
    """

    name = "track"

    def __init__(
        self,
        landmarker: Landmarker,
        settings: Settings,
        search: Callable[[FrameJob], None] | None = None,
    ) -> None:
        self._landmarker = landmarker
        self._settings = settings
        self._search_now = search
        self._flow = FaceFlow()
        self.looks = 1
        self.reset()

    @property
    def wants_detection(self) -> bool:
        """Whether the next frame should be searched: nobody is followed, or somebody is lost."""
        return not self._tracks or any(track.missing for track in self._tracks)

    def reset(self) -> None:
        """Forget the stream; numbers begin at 0 again."""
        self._tracks: list[FaceTrack] = []
        self._next_id = 0
        self._scene = 0

    def let_go(self) -> None:
        """Follow nobody any more; the next ones get numbers that nobody had."""
        self._tracks.clear()

    def process(self, job: FrameJob) -> FrameJob:
        """Advance every track by one frame."""
        pixels = job.frame.pixels
        if job.scene != self._scene:
            self._tracks.clear()
            self._scene = job.scene
        missed = self._follow(pixels)
        detections = self._unclaimed(job.faces) if job.detected else []
        self._search(pixels, missed, detections)
        if self._search_now and not job.detected and any(track.missing for track in missed):
            self._search_now(job)
            found = self._unclaimed(job.faces)
            windows = [_first_window(face) for face in found]
            self._welcome(pixels, found, self._landmarker.locate_many(pixels, windows))
        self._part_twins()
        self._reunite()
        self._forget(job.frame.size_wh)
        if job.detected:
            self._note(job.faces)
        self._tracks.sort(key=lambda track: track.track_id)
        job.faces = [track.face for track in self._tracks]
        return job

    def _follow(self, pixels: NDArray[np.uint8]) -> list[FaceTrack]:
        """Carry and measure what is followed; returns the tracks that were not seen."""
        live = [track for track in self._tracks if not track.lost]
        for track in live:
            track.carry(pixels)
        looked_at = due_tracks(live, self.looks)
        for track in live:
            if track not in looked_at:
                track.rest()
        meshes = self._landmarker.locate_many(pixels, [track.window() for track in looked_at])
        return [
            track
            for track, mesh in zip(looked_at, meshes, strict=True)
            if not self._accepted(track, mesh, pixels)
        ]

    def _accepted(self, track: FaceTrack, mesh: Mesh, pixels: NDArray[np.uint8]) -> bool:
        good = _is_face(mesh, pixels) and track.believes(mesh)
        if good:
            track.accept(mesh)
        return good

    def _unclaimed(self, detections: Sequence[Face]) -> list[Face]:
        """Detections that are not on a face that is followed."""
        followed = [track.face.bbox for track in self._tracks if not track.missing]
        if not followed or not detections:
            return list(detections)
        overlap = iou_matrix(np.stack([face.bbox for face in detections]), np.stack(followed))
        return [
            face for face, row in zip(detections, overlap, strict=True) if row.max() < _JOIN_IOU
        ]

    def _note(self, detections: Sequence[Face]) -> None:
        """Tell each track what the detector saw of its face."""
        seen = [track for track in self._tracks if not track.missing]
        if not seen or not detections:
            return
        boxes = np.stack([track.face.bbox for track in seen])
        overlap = iou_matrix(boxes, np.stack([face.bbox for face in detections]))
        for track, row in zip(seen, overlap, strict=True):
            if row.max() >= _JOIN_IOU:
                track.note(detections[int(row.argmax())].kps)

    def _search(
        self, pixels: NDArray[np.uint8], missed: list[FaceTrack], detections: Sequence[Face]
    ) -> None:
        """Look again where a missed face was, and at what the detector found; bear new tracks."""
        windows = [track.window_before() for track in missed]
        windows += [_first_window(face) for face in detections]
        meshes = self._landmarker.locate_many(pixels, windows)
        again, fresh = meshes[: len(missed)], meshes[len(missed) :]
        for track, mesh in zip(missed, again, strict=True):
            if not self._accepted(track, mesh, pixels):
                track.miss()
        for track in self._tracks:
            if track.lost and track not in missed:
                track.miss()
        self._welcome(pixels, detections, fresh)

    def _welcome(
        self, pixels: NDArray[np.uint8], detections: Sequence[Face], meshes: Sequence[Mesh]
    ) -> None:
        """Make tracks of the detections in which the landmark network sees a face."""
        for face, mesh in zip(detections, meshes, strict=True):
            if _is_face(mesh, pixels):
                self._settle(pixels, self._look_closely(pixels, mesh, face.score))

    def _look_closely(self, pixels: NDArray[np.uint8], mesh: Mesh, score: float) -> Mesh:
        """The mean of a few looks through windows laid by a first, rough mesh.

        Its presence is 0 where the looks contradict each other.
        """
        roi = Roi.from_landmarks(mesh.points)
        windows = [
            replace(roi, size_px=roi.size_px * scale, angle_rad=roi.angle_rad + turn)
            for scale, turn in _LOOKS
        ]
        looks = self._landmarker.locate_many(pixels, windows)
        points = np.stack([look.points for look in looks])
        middle = points.mean(axis=0)
        spread = float(np.linalg.norm(points - middle, axis=2).mean()) / inter_ocular_px(middle)
        agreed = spread < (_WIDE_SPREAD if score >= _SURE_SCORE else _SPREAD)
        presence = float(np.mean([look.presence for look in looks])) if agreed else 0.0
        return Mesh(middle.astype(np.float32), presence)

    def _settle(self, pixels: NDArray[np.uint8], mesh: Mesh) -> None:
        """Give a fresh mesh to the missing track that it may be, else to a new one."""
        if not _is_face(mesh, pixels) or any(
            not track.missing and same_face(track.points, mesh.points) for track in self._tracks
        ):
            return
        box = mesh_box(mesh.points)
        missing = [
            (_apart_px(track.face.bbox, box), track)
            for track in self._tracks
            if track.missing and _sizes_agree(track.face.bbox, box)
        ]
        near = [(apart, track) for apart, track in missing if apart < track.reach_px]
        if near:
            min(near, key=lambda pair: pair[0])[1].find(pixels, mesh)
            return
        self._tracks.append(FaceTrack(self._next_id, self._flow, pixels, mesh))
        self._next_id += 1

    def _part_twins(self) -> None:
        """Of two tracks on one face, lose the one that jumped there."""
        seen = [track for track in self._tracks if not track.missing]
        seen.sort(key=lambda track: (track.surprise, -track.age))
        kept: list[FaceTrack] = []
        for track in seen:
            if any(same_face(track.points, other.points) for other in kept):
                track.lose()
            else:
                kept.append(track)

    def _reunite(self) -> None:
        """A new track that looks like a missing one takes up its number."""
        for track in [track for track in self._tracks if track.age <= _YOUNG_FRAMES]:
            earlier = [
                other for other in self._tracks if other.missing and other.track_id < track.track_id
            ]
            if track.missing or not earlier:
                continue
            likeness, person = max(
                ((_likeness(track.face, other.face), other) for other in earlier),
                key=lambda pair: pair[0],
            )
            if likeness >= _SAME_PERSON:
                track.inherit(person)
                self._tracks.remove(person)

    def _forget(self, size_wh: tuple[int, int]) -> None:
        self._tracks = [
            track
            for track in self._tracks
            if not track.lost
            or (
                _share_inside(track.face.bbox, size_wh) > _MIN_INSIDE
                and (track.face.selected or track.face.lost_frames < _FORGET_FRAMES)
            )
        ]


def _likeness(a: Face, b: Face) -> float:
    """Cosine of two faces' embeddings, -1 where one has none yet."""
    if a.attributes is None or b.attributes is None:
        return -1.0
    return float(a.attributes.embedding_unit @ b.attributes.embedding_unit)


def _first_window(face: Face) -> Roi:
    if face.landmarks is None:
        return Roi.from_detection(face.bbox, face.kps)
    return Roi.from_landmarks(face.landmarks)


def _is_face(mesh: Mesh, pixels: NDArray[np.uint8]) -> bool:
    """Whether the network saw a face, of a size and a place that can be one."""
    box = mesh_box(mesh.points)
    height, width = pixels.shape[:2]
    return (
        mesh.presence >= _PRESENCE
        and float(box[3] - box[1]) >= _MIN_SIZE_PX
        and _share_inside(box, (width, height)) > _MIN_INSIDE
        and 0.2 < inter_ocular_px(mesh.points) / _tallness_px(mesh.points) < 0.8
    )


def _tallness_px(points: NDArray[np.float32]) -> float:
    return max(float(np.linalg.norm(points[10] - points[152])), 1e-6)


def _share_inside(box: NDArray[np.float32], size_wh: tuple[int, int]) -> float:
    inside = np.clip(box.reshape(2, 2), 0, size_wh)
    area = np.prod(box[2:] - box[:2])
    return float(np.prod(inside[1] - inside[0]) / max(float(area), 1e-6))


def _apart_px(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.linalg.norm((a - b).reshape(2, 2).mean(axis=0)))


def _sizes_agree(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    ratio = float(np.max(b[2:] - b[:2]) / max(float(np.max(a[2:] - a[:2])), 1e-6))
    return 0.5 < ratio < 2.0
