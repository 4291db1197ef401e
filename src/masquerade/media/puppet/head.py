"""A head as textured triangles: face, eyes, mouth, hair, neck and shoulders.

Convention: head coordinates are centimetres in the canonical face's axes (x to the image's
right, y up, z towards the viewer). Texture coordinates are pixels of the head's own texture:
the portrait, with a painted mouth below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.media.puppet.expression import Expression, Muscles
from masquerade.media.puppet.parts import Parts, facing, outward
from masquerade.media.puppet.texture import head_texture
from masquerade.media.puppet.topology import EYES, INNER_LIPS, OVAL, skin_triangles
from masquerade.models.canonical import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from masquerade.media.puppet.portrait import Portrait

    Reshape = Callable[[NDArray[np.float64]], NDArray[np.float64]]

__all__ = ["FACE_CM", "FACE_POINTS", "Head", "fit_canonical"]

FACE_POINTS = 478
_RINGS = (1.1, 1.22, 1.38, 1.6, 1.9, 2.4, 3.2, 4.6)
FACE_CM = float(np.ptp(CANONICAL.pos[:, 1]))
"""Height of the canonical face mesh in centimetres."""
_SKULL_CENTRE = np.array([0.0, 3.2, -3.0])
_SKULL_RADII = np.array([7.4, 8.6, 9.5])
_PIVOT = np.array([0.0, -2.5, -4.5])


def fit_canonical(
    landmarks: NDArray[np.float32],
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Similarity from the canonical face to landmarks (Umeyama 1991).

    Args:
        landmarks: (478, 3) pixels, y down, z smaller is nearer.

    Returns:
        Pixels per centimetre, rotation (3, 3) and translation (3,), with
        ``(x, -y, -z) = scale * rotation @ canonical + translation``.
    """
    target = landmarks[:468].astype(np.float64) * (1, -1, -1)
    origin = CANONICAL.pos.astype(np.float64)
    a, b = origin - origin.mean(axis=0), target - target.mean(axis=0)
    u, values, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((values * sign).sum() / (a**2).sum(axis=1).mean())
    return scale, rotation, target.mean(axis=0) - scale * rotation @ origin.mean(axis=0)


class Head:
    """Geometry and texture of one head.

    Attributes:
        texture: uint8 (H, W, 4) BGRA; alpha is 0 behind the person.
        uv: float64 (V, 2) texture pixels.
        triangles: int64 (T, 3).
        depth_bias: float64 (T,) centimetres that a triangle is sorted further back.
        is_face: bool (T,) skin, eyes and mouth inside the face's outline.
        is_skull: bool (T,) the back of the head, drawn before everything else.
        neck: float64 (V,) 1 where a vertex follows the head, 0 where it stays with the body.
        rest_rotation: float64 (3, 3) the portrait's own pose.
        px_per_cm: scale of the texture.
    """

    def __init__(self, portrait: Portrait, reshape: Reshape | None = None) -> None:
        """Build from a framed portrait.

        Args:
            portrait: see Portrait.framed.
            reshape: maps the face's points (478, 3), centimetres in the canonical face's axes,
                to those of another face on the same photo.
        """
        scale, rotation, shift = fit_canonical(portrait.landmarks)
        view = portrait.landmarks.astype(np.float64) * (1, -1, -1)
        face = (view - shift) @ rotation / scale
        if reshape is not None:
            face = reshape(face)
        self.px_per_cm, self.rest_rotation = scale, rotation
        self._face = face
        self._muscles = Muscles(face)
        parts = Parts()
        parts.add(face, portrait.landmarks[:, :2].astype(np.float64), skin_triangles())
        self._eyes = [self._add_eye(parts, side) for side in (0, 1)]
        self._add_mouth(parts, portrait)
        self._rings = self._add_rings(parts, view, shift)
        skull = self._add_skull(parts, portrait)
        self.rest = np.concatenate(parts.rest)
        self.uv = np.concatenate(parts.uv)
        self.texture = head_texture(portrait)
        tri, bias = np.concatenate(parts.tri), np.concatenate(parts.depth_bias)
        seen = self._not_transparent(tri)
        self.triangles, self.depth_bias = tri[seen], bias[seen]
        self.is_skull = (self.triangles >= skull.start).all(axis=1)
        self.is_face = (self.triangles < self._rings[0].start).all(axis=1)
        self.neck = self._neck_weights()

    @property
    def pivot(self) -> NDArray[np.float64]:
        """The joint that the head turns about, head coordinates (3,)."""
        return _PIVOT

    def pose(self, expression: Expression) -> NDArray[np.float64]:
        """All vertices with the expression, before the head is turned, float64 (V, 3)."""
        points = self.rest.copy()
        points[:FACE_POINTS] = self._muscles.pull(expression)
        for side, (_, gazing) in enumerate(self._eyes):
            points[gazing] += self._muscles.gaze_shift(expression, side)
        moved = points[list(OVAL)] - self.rest[list(OVAL)]
        for k, where in enumerate(self._rings):
            points[where] += moved * max(0.0, 0.75 - 0.25 * k)
        lips = list(INNER_LIPS)
        points[self._wall] += points[lips] - self.rest[lips]
        chin = points[[14, 87, 317]].mean(axis=0) - self.rest[[14, 87, 317]].mean(axis=0)
        points[self._lower_teeth] += chin
        return points

    def _add_eye(self, parts: Parts, side: int) -> tuple[slice, slice]:
        """An eyeball's visible part: a rim that stays under the lids, a core that gazes."""
        ring = EYES[side].ring
        rim, rim_uv = self._face[ring], parts.uv[0][ring]
        core = rim.mean(axis=0) + 0.58 * (rim - rim.mean(axis=0))
        core_uv = rim_uv.mean(axis=0) + 0.58 * (rim_uv - rim_uv.mean(axis=0))
        n = len(ring)
        i, j = np.arange(n), (np.arange(n) + 1) % n
        strip = np.concatenate([np.stack([i, j, n + j], 1), np.stack([i, n + j, n + i], 1)])
        fan = np.stack([n + i, n + j, np.full(n, 2 * n)], axis=1)
        rest = np.concatenate([rim, core, core.mean(axis=0)[None]]) - (0, 0, 0.05)
        uv = np.concatenate([rim_uv, core_uv, core_uv.mean(axis=0)[None]])
        where = parts.add(rest, uv, facing(np.concatenate([strip, fan]), rest), depth_bias=0.6)
        return slice(where.start, where.start + n), slice(where.start + n, where.stop)

    def _add_mouth(self, parts: Parts, portrait: Portrait) -> None:
        """A dark wall behind the lips, teeth on skull and jaw; the portrait's own if it smiles."""
        lips = self._face[list(INNER_LIPS)]
        width = float(np.linalg.norm(lips[10] - lips[0]))
        gap = float(np.linalg.norm(self._face[13] - self._face[14]))
        n = len(lips)
        fan = np.stack([np.arange(n), (np.arange(n) + 1) % n, np.full(n, n)], axis=1)
        top = portrait.pixels.shape[0]
        middle = lips.mean(axis=0)
        wall = np.concatenate([middle + (lips - middle) * (1.3, 2.5, 1.0), middle[None]])
        wall[:, 1] -= 0.06 * width * np.append(np.isin(np.arange(n), range(1, 10)), False)
        wall[:, 2] -= 1.0
        across = (wall[:, 0] - lips[:, 0].min()) / np.ptp(lips[:, 0])
        lower = np.zeros(n + 1)
        lower[1:10], lower[[0, 10, 20]] = 1.0, 0.5
        wall_uv = np.stack([4 + across * 120, top + 30 + lower * 30], axis=1)
        where = parts.add(wall, wall_uv, facing(fan, wall), depth_bias=1.4)
        self._wall = slice(where.start, where.stop - 1)
        if gap > 0.12 * width:
            own = np.concatenate([lips, lips.mean(axis=0)[None]]) - (0, 0, 0.15)
            uv = portrait.landmarks[list(INNER_LIPS), :2].astype(np.float64)
            own_uv = np.concatenate([uv, uv.mean(axis=0)[None]])
            parts.add(own, own_uv, facing(fan, own), depth_bias=0.9)
        else:
            self._teeth(parts, width, top, upper=True)
        self._lower_teeth = self._teeth(parts, width, top, upper=False)

    def _teeth(self, parts: Parts, width: float, top: int, *, upper: bool) -> slice:
        """One row of teeth along an arc behind the lip."""
        across = np.linspace(-1, 1, 9)
        edge = self._face[13] if upper else self._face[14]
        axis = self._face[308] - self._face[78]
        arc = edge + 0.40 * across[:, None] * axis / np.linalg.norm(axis) * width
        arc[:, 2] -= 0.35 + 0.9 * across**2
        gum, bite = (0.35, -0.5) if upper else (-0.75, -0.12)
        rest = np.concatenate([arc + np.array([0, gum, 0]), arc + np.array([0, bite, 0])])
        u = 64 + 58 * across
        v0, v1 = (0, 13) if upper else (15, 28)
        uv = np.concatenate(
            [np.stack([u, np.full(9, top + v0)], 1), np.stack([u, np.full(9, top + v1)], 1)]
        ).astype(np.float64)
        i = np.arange(8)
        tri = np.concatenate(
            [np.stack([i, i + 1, i + 10], axis=1), np.stack([i, i + 10, i + 9], axis=1)]
        )
        return parts.add(rest, uv, facing(tri, rest), depth_bias=0.8 if upper else 1.0)

    def _add_rings(
        self,
        parts: Parts,
        view: NDArray[np.float64],
        shift: NDArray[np.float64],
    ) -> list[slice]:
        """Everything around the face: rings that leave the outline and fall back in depth."""
        oval = list(OVAL)
        outline = view[oval]
        middle = outline.mean(axis=0)
        away = (outline - middle) * (1, 1, 0)
        shaped = self._face[oval] @ self.rest_rotation.T * self.px_per_cm + shift - outline
        reach = np.abs(away).max(axis=1, keepdims=True).mean() * np.ones((len(oval), 1))
        wheres = []
        inner = np.array(oval)
        for k, factor in enumerate(_RINGS):
            t = min((factor - 1) / 1.0, 1.0)
            back = 1.2 * t * t * (3 - 2 * t)
            ring = outline + away * (factor - 1) - np.array([0, 0, 1]) * reach * back
            uv = ring[:, :2] * (1, -1)
            ring = ring + shaped * max(0.0, 1 - 0.3 * k)
            rest = (ring - shift) @ self.rest_rotation / self.px_per_cm
            outer = parts.count + np.arange(len(oval))
            i, j = np.arange(len(oval)), (np.arange(len(oval)) + 1) % len(oval)
            tri = np.concatenate(
                [
                    np.stack([inner[i], outer[i], outer[j]], axis=1),
                    np.stack([inner[i], outer[j], inner[j]], axis=1),
                ]
            )
            wheres.append(parts.add(rest, uv, tri, local=False))
            inner = outer
        flat = np.concatenate(parts.uv) * (1, -1)
        for index in range(len(parts.tri) - len(_RINGS), len(parts.tri)):
            parts.tri[index] = facing(parts.tri[index], flat)
        return wheres

    def _add_skull(self, parts: Parts, portrait: Portrait) -> slice:
        """The back of the head, which only a turned head shows: half an ellipsoid of hair."""
        rows, columns = 7, 18
        tilt = np.linspace(0, np.pi / 2, rows)[:, None]
        around = np.arange(columns) * 2 * np.pi / columns
        rest = np.stack(
            [
                np.sin(tilt) * np.cos(around),
                np.sin(tilt) * np.sin(around),
                -np.cos(tilt) * np.ones(columns),
            ],
            axis=-1,
        ).reshape(-1, 3)
        # Hair of the upper outline serves all around; the lower half mirrors it.
        hair = portrait.landmarks[list(OVAL), :2].astype(np.float64)
        middle = hair.mean(axis=0)
        sector = np.abs(np.arctan2(rest[:, 0], np.abs(rest[:, 1]) + 0.25)) * 18 / np.pi
        index = np.rint(np.where(rest[:, 0] >= 0, sector, -sector)).astype(int) % len(OVAL)
        stretch = 1.16 + 0.16 * (1 - np.repeat(np.sin(tilt), columns))
        uv = middle + (hair[index] - middle) * stretch[:, None]
        i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
        a, b = i * columns + j, i * columns + (j + 1) % columns
        c, d = a + columns, b + columns
        tri = np.concatenate(
            [np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]
        )
        return parts.add(rest * _SKULL_RADII + _SKULL_CENTRE, uv, outward(tri, rest))

    def _not_transparent(self, tri: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which triangles show anything of the person."""
        alpha = self.texture[..., 3]
        height, width = alpha.shape
        corners = self.uv[tri]
        samples = np.concatenate([corners, corners.mean(axis=1, keepdims=True)], axis=1)
        samples = np.concatenate([samples, (corners + np.roll(corners, 1, axis=1)) / 2], axis=1)
        x = np.clip(samples[..., 0], 0, width - 1).astype(int)
        y = np.clip(samples[..., 1], 0, height - 1).astype(int)
        return np.asarray((alpha[y, x] > 0).any(axis=1))

    def _neck_weights(self) -> NDArray[np.float64]:
        below = (self.rest @ self.rest_rotation.T)[:, 1]
        chin = below[152]
        t = np.clip((chin - 0.5 - below) / (0.72 * FACE_CM), 0, 1)
        weights = 1 - t * t * (3 - 2 * t)
        weights[: self._rings[0].start] = 1.0
        return np.asarray(weights)
