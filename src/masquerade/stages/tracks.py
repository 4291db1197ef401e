"""One face followed through the frames of a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.face import Face, FaceState
from masquerade.geometry.affine import apply_affine, fit_motion
from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, inter_ocular_px
from masquerade.geometry.roi import Roi
from masquerade.geometry.templates import kps_from_landmarks
from masquerade.stages.steady import SteadyMesh
from masquerade.stages.steady_five import SteadyFive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from masquerade.geometry.flow import FaceFlow
    from masquerade.models.landmarker import Mesh

__all__ = ["FaceTrack", "due_tracks", "mesh_box", "same_face"]

_FLOW_MARGIN = 1.1
"""Side of the window for the flow over the longer side of the face."""
_CARRY_FRAMES = 6
"""How many frames in a row a face may be carried by flow alone."""
_DRIFT_GAIN, _DRIFT_DECAY = 0.15, 0.95
_LOST_GAIN, _LOST_DECAY = 0.5, 0.8
"""A lost face is believed to stop soon: what hides it must not run ahead of it."""
_FOLLOWED = 0.6
"""Likeness of the pixels left and found, from which the flow was that of the face."""
_SURELY_FOLLOWED = 0.85
"""The same, from which nobody need look: a face that jumped must not be drawn where it was."""
_SURPRISE_DECAY = 0.8
_JUMP = 1.6
"""Ratio by which the size of a face cannot change from one frame to the next."""
_TWINS = 0.5
"""Mean distance of two meshes, in eye distances, below which they lie on one face."""
_FREE_LOOKS = 2
"""Up to so many faces are looked at in every frame; of more, the longer half in turns."""
_SETTLING_LOOKS = 3
"""Looks at a new face before it may be looked at less often."""
_NOSE_TIP, _MOUTH_LEFT, _MOUTH_RIGHT = 4, 61, 291


class FaceTrack:
    """Landmarks, state and memory of one face.

    Args:
        track_id: its number in the stream.
        flow: how views are taken and points carried.
        pixels_bgr: uint8 (H, W, 3), the frame in which it was found.
        mesh: what was found.

    Attributes:
        face: the face as it was last given out; later stages write attributes and selection on
            it, which the next frame's face inherits.
        age: frames in which it was measured.
        surprise: how far the network's points lately were from the carried ones, in eye
            distances, decaying: the network jumps when a face is covered by another.
    """

    def __init__(
        self, track_id: int, flow: FaceFlow, pixels_bgr: NDArray[np.uint8], mesh: Mesh
    ) -> None:
        self.track_id = track_id
        self.age = 0
        self.surprise = 0.0
        self._misses = 0
        self._flow = flow
        self._drift = np.zeros(2)
        self._seen: SteadyFive | None = None
        self.face = Face(mesh_box(mesh.points), mesh.presence, track_id=track_id)
        self.find(pixels_bgr, mesh)

    @property
    def points(self) -> NDArray[np.float64]:
        """The steady mesh, float64 (478, 3), frame pixels."""
        return self._mesh.points

    @property
    def lost(self) -> bool:
        """Whether nobody knows where the landmarks are."""
        return self.face.state == "lost"

    @property
    def missing(self) -> bool:
        """Whether the network's last look did not show the face."""
        return self._misses > 0

    @property
    def sure(self) -> bool:
        """Whether the pixels under the carried points are those that the points left."""
        carried = self._mesh.points[:468, :2]
        likeness = self._flow.likeness(
            self._view_before, self._view, self._before[:468, :2], carried
        )
        return likeness >= _SURELY_FOLLOWED

    @property
    def reach_px(self) -> float:
        """How far from its box's centre the face may turn up again."""
        return self.face.size_px * min(1.0 + 0.15 * self.face.lost_frames, 3.0)

    def find(self, pixels_bgr: NDArray[np.uint8], mesh: Mesh) -> None:
        """Begin anew from a fresh mesh: at birth, and when the face was lost."""
        self._mesh = SteadyMesh(mesh.points)
        self._view = self._flow.view(pixels_bgr, self._flow_window(np.zeros(2)))
        self._view_before = self._view
        self._step = np.zeros(2)
        self._before = self._mesh.points.copy()
        self.surprise = 0.0
        self._measured(mesh)

    def carry(self, pixels_bgr: NDArray[np.uint8]) -> None:
        """Take the points to the next frame by the flow of its pixels."""
        self._before = self._mesh.points.copy()
        view = self._flow.view(pixels_bgr, self._flow_window(self._step))
        self._mesh.carry(self._flow.carry(self._view, view, self._before[:, :2]))
        self._view_before, self._view = self._view, view

    def window(self) -> Roi:
        """Where the landmark network should look now."""
        return _window(self._mesh.points)

    def window_before(self) -> Roi:
        """Where the face was in the last frame."""
        return _window(self._before)

    def believes(self, mesh: Mesh) -> bool:
        """Whether a mesh can be this face in this frame: its size cannot jump."""
        ratio = inter_ocular_px(mesh.points) / max(inter_ocular_px(self._before), 1e-6)
        return 1 / _JUMP < ratio < _JUMP

    def accept(self, mesh: Mesh) -> None:
        """Correct the carried points by what the network saw."""
        off = self._mesh.correct(mesh.points)
        self.surprise = max(off, self.surprise * _SURPRISE_DECAY)
        self._step = (self._mesh.points - self._before)[:468, :2].mean(axis=0)
        self._drift += _DRIFT_GAIN * (self._step - self._drift)
        self._measured(mesh)

    def note(self, kps: NDArray[np.float32]) -> None:
        """Take in the five points that the detector saw in the frame that the face is of."""
        self._seen = self._seen or SteadyFive()
        self._seen.look(kps_from_landmarks(self.points), kps)
        self.face.seen_kps = self._seen_kps(self.points)

    def rest(self) -> None:
        """Nobody looked in this frame: the flow alone is believed."""
        self._step = (self._mesh.points - self._before)[:468, :2].mean(axis=0)
        self._predicted()

    def miss(self) -> None:
        """The network did not see the face: it is carried a few frames, then lost."""
        self._misses += 1
        if self.lost or self._misses > _CARRY_FRAMES:
            self.lose()
            return
        self._mesh.points[:] = self._moved_as_one()
        self._mesh.distrust()
        self._step = (self._mesh.points - self._before)[:468, :2].mean(axis=0)
        self._predicted()

    def lose(self) -> None:
        """Give up the landmarks; the box goes on as the face moved last, slower in every frame.

        A face that was measured in this frame has jumped onto another one: where it was before
        the jump is the best that is known of it.
        """
        self._misses = max(self._misses, 1)
        box = self.face.bbox
        if self.face.state == "measured":
            box = mesh_box(self._before)
        elif not self.lost:
            self._drift = _LOST_GAIN * self._step
        box = box + np.tile(self._drift, 2).astype(np.float32)
        self._drift = _LOST_DECAY * self._drift
        self.face = self._next_face(box, "lost", self.face.lost_frames + 1, None)

    def inherit(self, other: FaceTrack) -> None:
        """Turn out to be the person of a lost track: take its number and its memory."""
        self.track_id = self.face.track_id = other.track_id
        self.face.selected = other.face.selected
        self.face.donor = other.face.donor

    def _moved_as_one(self) -> NDArray[np.float64]:
        """The last points moved as most of the carried ones agree: what covers a face moves on
        its own. Where the face is not under them any more, moved as it lately did."""
        last, carried = self._before, self._mesh.points
        likeness = self._flow.likeness(
            self._view_before, self._view, last[:468, :2], carried[:468, :2]
        )
        if likeness < _FOLLOWED:
            self._drift *= _DRIFT_DECAY
            return np.asarray(last + np.append(self._drift, 0.0))
        motion = fit_motion(last[:468, :2], carried[:468, :2])
        scale = np.hypot(motion[0, 0], motion[1, 0])
        return np.column_stack([apply_affine(motion, last[:, :2]), last[:, 2] * scale])

    def _predicted(self) -> None:
        points = self._mesh.points
        self.face = self._next_face(
            mesh_box(points), "predicted", self.face.lost_frames + 1, points
        )

    def _measured(self, mesh: Mesh) -> None:
        self.age += 1
        self._misses = 0
        self.face = self._next_face(mesh_box(self._mesh.points), "measured", 0, self._mesh.points)
        self.face.score = mesh.presence

    def _next_face(
        self,
        box: NDArray[np.float32],
        state: FaceState,
        lost_frames: int,
        points: NDArray[np.float64] | None,
    ) -> Face:
        last = self.face
        shift = (box - last.bbox).reshape(2, 2).mean(axis=0)
        return Face(
            bbox=box,
            score=last.score,
            kps=last.kps + shift if points is None else _five_points(points),
            seen_kps=None if points is None else self._seen_kps(points),
            landmarks=None if points is None else points.astype(np.float32),
            track_id=self.track_id,
            state=state,
            lost_frames=lost_frames,
            attributes=last.attributes,
            selected=last.selected,
            donor=last.donor,
        )

    def _seen_kps(self, points: NDArray[np.float64]) -> NDArray[np.float32] | None:
        return self._seen.beside(kps_from_landmarks(points)) if self._seen else None

    def _flow_window(self, step: NDArray[np.float64]) -> Roi:
        roi = _window(self._mesh.points, _FLOW_MARGIN)
        return Roi(roi.cx + float(step[0]), roi.cy + float(step[1]), roi.size_px, roi.angle_rad)


def due_tracks(tracks: Sequence[FaceTrack], looks: int) -> list[FaceTrack]:
    """The tracks to look at in this frame: those whose last look is longest ago.

    Args:
        tracks: that are not lost.
        looks: frames from one look at a face to the next. From 2 on, who is missing or new is
            looked at in every frame all the same, and the others do not wait for the same frame.
            Nobody rests whose pixels are not where the flow has carried them.
    """
    urgent = [t for t in tracks if looks > 1 and (t.missing or t.age < _SETTLING_LOOKS)]
    waiting = [t for t in tracks if t not in urgent and t.face.lost_frames + 1 >= looks]
    waiting.sort(key=lambda track: -track.face.lost_frames)
    free = len(tracks) if len(tracks) <= _FREE_LOOKS else max(_FREE_LOOKS, (len(tracks) + 1) // 2)
    most = -(-free // looks)
    due = [*urgent, *waiting[: max(most - len(urgent), 0)]]
    return due + [t for t in tracks if t not in due and not t.sure]


def mesh_box(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Box around the 468 points of the face, float32 (4,) x0, y0, x1, y1."""
    face = points[:468, :2]
    return np.concatenate([face.min(axis=0), face.max(axis=0)]).astype(np.float32)


def same_face(a: NDArray[np.floating], b: NDArray[np.floating]) -> bool:
    """Whether two meshes (478, 3) of one frame lie on one face."""
    apart = float(np.linalg.norm(a[:468, :2] - b[:468, :2], axis=1).mean())
    return apart < _TWINS * max(inter_ocular_px(a), inter_ocular_px(b))


def _window(points: NDArray[np.float64], margin: float = 1.5) -> Roi:
    return Roi.from_landmarks(points.astype(np.float32), margin)


def _five_points(points: NDArray[np.float64]) -> NDArray[np.float32]:
    eyes = [points[EYE_LEFT, :2].mean(axis=0), points[EYE_RIGHT, :2].mean(axis=0)]
    return np.stack([*eyes, *points[[_NOSE_TIP, _MOUTH_LEFT, _MOUTH_RIGHT], :2]]).astype(np.float32)
