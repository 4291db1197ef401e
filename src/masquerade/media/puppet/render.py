"""Draws a head: perspective, sorted triangles, one affine texture map per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.media.puppet.head import FACE_POINTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet.expression import Expression
    from masquerade.media.puppet.head import Head

__all__ = ["Drawn", "Light", "Placement", "Renderer", "rotation"]

_CAMERA_CM = 75.0
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a head is and how it is turned.

    Attributes:
        x_px, y_px: where the joint of head and neck appears in the frame.
        px_per_cm: size.
        yaw_deg: positive turns the nose to the image's right.
        pitch_deg: positive turns the nose up.
        roll_deg: positive turns the top of the head to the image's right.
        lean_deg: roll of the whole body.

    Angles count from the portrait's own pose.
    """

    x_px: float
    y_px: float
    px_per_cm: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    lean_deg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The light of a frame.

    Attributes:
        gain_bgr: factors of the whole picture.
        side: 0 none to 1 strong: how much darker the face is where it turns away.
        angle_deg: where the side light comes from: 0 the image's right, 90 above.
    """

    gain_bgr: tuple[float, float, float] = (1.0, 1.0, 1.0)
    side: float = 0.0
    angle_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a head left on the canvas.

    Attributes:
        landmarks: float32 (478, 3) frame pixels; z in pixels, smaller is nearer.
        turn: float64 (3, 3) rotation from head coordinates to the camera's (y up, z nearer).
        face: uint8 (H, W), 255 where the skin, eyes or mouth of the face is drawn.
        cover: uint8 (H, W), opacity of the whole person.
    """

    landmarks: NDArray[np.float32]
    turn: NDArray[np.float64]
    face: NDArray[np.uint8]
    cover: NDArray[np.uint8]


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> NDArray[np.float64]:
    """Rotation (3, 3): roll about z first, then pitch about x, then yaw about y."""
    y, p, r = np.radians([yaw_deg, -pitch_deg, -roll_deg])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


class Renderer:
    """Draws one head again and again; keeps its texture in three sizes."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._levels = [head.texture]
        for _ in range(3):
            self._levels.append(np.asarray(cv2.pyrDown(self._levels[-1]), np.uint8))

    def draw(
        self,
        canvas: NDArray[np.uint8],
        expression: Expression,
        place: Placement,
        light: Light,
    ) -> Drawn:
        """Draw onto ``canvas`` (uint8 (H, W, 3) BGR, changed in place)."""
        head = self._head
        camera, turn = self._camera(head.pose(expression), place)
        points = _project(camera, place)
        height, width = canvas.shape[:2]
        order = self._visible(points, camera[:, 2], (width, height))
        shade = self._shade(camera, light) if light.side else None
        face = np.zeros((height, width), np.uint8)
        cover = np.zeros((height, width), np.uint8)
        skull = head.is_skull[order]
        for part in (order[skull], order[~skull]):
            ids = _rasterise(points, head.triangles, part, (width, height))
            box = _bounds(ids)
            if box is None:
                continue
            layer, alpha = self._texture(ids[box], points - _origin(box), place, shade)
            target = canvas[box]
            weight = alpha[..., None].astype(np.float32) / 255
            target[:] = np.rint(target + weight * (layer.astype(np.float32) - target))
            np.maximum(cover[box], alpha, out=cover[box])
            face[box] = np.append(False, head.is_face)[ids[box]] * np.uint8(255)
        z = camera[:FACE_POINTS, 2]
        depth = -(z - z.mean()) * place.px_per_cm
        marks = np.column_stack([points[:FACE_POINTS], depth]).astype(np.float32)
        return Drawn(marks, turn, face, cover)

    def _camera(
        self, points: NDArray[np.float64], place: Placement
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vertices about the joint, in the camera's axes; the head's rotation."""
        head = self._head
        about = points - head.pivot
        lean = rotation(0, 0, place.lean_deg)
        # Shoulders follow a turned head a little; a neck that does all of it looks wrung.
        body = lean @ rotation(0.25 * place.yaw_deg, 0, 0) @ head.rest_rotation
        turn = lean @ rotation(place.yaw_deg, place.pitch_deg, place.roll_deg) @ head.rest_rotation
        turned, stayed = about @ turn.T, about @ body.T
        neck = head.neck[:, None]
        return neck * turned + (1 - neck) * stayed, turn

    def _visible(
        self, points: NDArray[np.float64], depth: NDArray[np.float64], size_wh: tuple[int, int]
    ) -> NDArray[np.int64]:
        """Triangles that face the viewer inside the frame, farthest first."""
        tri = self._head.triangles
        corners = points[tri]
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        low, high = corners.min(axis=1), corners.max(axis=1)
        seen = (area < -1e-3) & (high > 0).all(axis=1) & (low < size_wh).all(axis=1)
        keep = np.flatnonzero(seen)
        far = depth[tri[keep]].mean(axis=1) - self._head.depth_bias[keep]
        return keep[np.argsort(far, kind="stable")]

    def _shade(self, camera: NDArray[np.float64], light: Light) -> NDArray[np.float64]:
        """Brightness of each vertex, 1 in even light, float64 (V,)."""
        tri = self._head.triangles
        a, b, c = (camera[tri[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        normal = np.zeros_like(camera)
        for k in range(3):
            np.add.at(normal, tri[:, k], across)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        angle = np.radians(light.angle_deg)
        towards = np.array([np.cos(angle), np.sin(angle), 0.35]) / np.hypot(1, 0.35)
        lit = np.clip(0.35 + 0.75 * (normal @ towards), 0.06, 1.1)
        return np.asarray(1 - light.side + light.side * 1.15 * lit)

    def _texture(
        self,
        ids: NDArray[np.uint16],
        points: NDArray[np.float64],
        place: Placement,
        shade: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Colours and opacity of a box of the frame, uint8 (h, w, 3) and (h, w)."""
        level = self._level(place.px_per_cm)
        texture, zoom = self._levels[level], 0.5**level
        values = (self._head.uv + 0.5) * zoom - 0.5
        if shade is not None:
            values = np.column_stack([values, shade])
        planes = _planes(ids, points, self._head.triangles, values)
        sampled = cv2.remap(
            texture, planes[0], planes[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        layer = np.asarray(sampled[..., :3], np.uint8)
        alpha = np.asarray(sampled[..., 3], np.uint8)
        if shade is not None:
            layer = np.clip(layer * planes[2][..., None], 0, 255).astype(np.uint8)
        layer = _soften_seams(np.asarray(layer, np.uint8), planes)
        inside = (ids > 0).astype(np.uint8) * 255
        edge = cv2.blur(inside, (3, 3))
        covered = np.where(inside > 0, edge, 0).astype(np.float32) / 255
        return layer, np.rint(alpha * covered).astype(np.uint8)

    def _level(self, px_per_cm: float) -> int:
        """The texture size that is at most 1.4 times too fine."""
        ratio = self._head.px_per_cm / max(px_per_cm, 1e-6)
        return int(np.clip(np.ceil(np.log2(ratio / 1.4)), 0, len(self._levels) - 1))


def _project(camera: NDArray[np.float64], place: Placement) -> NDArray[np.float64]:
    """Frame pixels (V, 2) of vertices in centimetres about the joint."""
    near = _CAMERA_CM / np.maximum(_CAMERA_CM - camera[:, 2], 5.0) * place.px_per_cm
    return np.stack([place.x_px + camera[:, 0] * near, place.y_px - camera[:, 1] * near], axis=1)


def _rasterise(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    order: NDArray[np.int64],
    size_wh: tuple[int, int],
) -> NDArray[np.uint16]:
    """Number of the triangle + 1 seen at each pixel, 0 where there is none."""
    ids = np.zeros(size_wh[::-1], np.uint16)
    limit = 1 << 24
    fixed = np.clip(np.rint(points * (1 << _SUBPIXEL_BITS)), -limit, limit).astype(np.int32)
    for index, corners in zip(order.tolist(), fixed[triangles[order]], strict=True):
        cv2.fillConvexPoly(ids, corners, index + 1, cv2.LINE_8, _SUBPIXEL_BITS)
    return ids


def _bounds(ids: NDArray[np.uint16]) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(ids.any(axis=1)), np.flatnonzero(ids.any(axis=0))
    if not rows.size:
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _origin(box: tuple[slice, slice]) -> NDArray[np.float64]:
    return np.array([box[1].start, box[0].start], np.float64)


def _planes(
    ids: NDArray[np.uint16],
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    values: NDArray[np.float64],
) -> list[NDArray[np.float32]]:
    """Vertex values carried linearly over the triangles: one float32 (h, w) picture each."""
    seen = np.unique(ids)
    used = seen[seen > 0].astype(np.int64) - 1
    corners = np.concatenate([points[triangles[used]], np.ones((len(used), 3, 1))], axis=2)
    slopes = np.zeros((len(triangles) + 1, 3, values.shape[1]), np.float32)
    slopes[used + 1] = np.linalg.solve(corners, values[triangles[used]])
    flat = slopes.reshape(len(slopes), -1)[ids]
    y, x = np.indices(ids.shape, dtype=np.float32)
    n = values.shape[1]
    return [flat[..., k] * x + flat[..., n + k] * y + flat[..., 2 * n + k] for k in range(n)]


def _soften_seams(layer: NDArray[np.uint8], planes: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Blur by a pixel where the texture jumps, so that contours inside the head are not jagged."""
    jump = np.zeros(layer.shape[:2], np.uint8)
    for plane in planes[:2]:
        jump[:, 1:] |= np.abs(np.diff(plane, axis=1)) > 6
        jump[1:] |= np.abs(np.diff(plane, axis=0)) > 6
    near = cv2.dilate(jump, np.ones((2, 2), np.uint8)).astype(bool)
    blurred = cv2.GaussianBlur(layer, (3, 3), 0.8)
    return np.where(near[..., None], blurred, layer)
