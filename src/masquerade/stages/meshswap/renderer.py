"""One face drawn: the donor's texture on the target's mesh, in the target's light and shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.frame import Patch
from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS, IRIS_CENTRES, OVAL, facing
from masquerade.geometry.raster import Grid, Surface, rasterise
from masquerade.geometry.sampling import reduce, sample
from masquerade.models.canonical import CANONICAL
from masquerade.stages.meshswap.detail import Detail
from masquerade.stages.meshswap.occlusion import refine
from masquerade.stages.meshswap.parts import (
    FIELD_SIZE,
    MOUTH,
    RING_FALLOFF,
    TRIANGLES,
    edge_ramp,
    with_rings,
)
from masquerade.stages.meshswap.reading import Reader, Reading
from masquerade.stages.meshswap.settle import Lean
from masquerade.stages.meshswap.shape import ShapeTransfer, close_lids
from masquerade.stages.meshswap.texture import Texture
from masquerade.stages.overlay import blend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.models.landmarker import Landmarker
    from masquerade.stages.identity import Identity

__all__ = ["Donor", "FaceRenderer"]

_CELLS_ACROSS = 90
"""Cells of the grid across a face: three pixels each for a face of 270."""
_CELLS_IN_CROWD = 56
"""The same for one of many faces."""
_LEAN_KEPT = 0.6
"""Share of the network's lean that stays at full shape: there it also tells the donor's looks."""
_RAMP = 0.05
"""Width of the soft edge as a share of the atlas."""


class Donor:
    """What is computed once per identity and shared by all faces that wear it."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.mesh = identity.mesh
        self.texture = Texture(identity.texture, identity.coverage)
        trust = self.texture.coverage
        self.trust: NDArray[np.float32] = reduce(trust, (FIELD_SIZE, FIELD_SIZE))
        self.alpha: NDArray[np.float32] = edge_ramp(len(trust), _RAMP) * trust
        uv = np.concatenate([CANONICAL.uv, identity.iris[[0, 5]]])
        self.uv: NDArray[np.float32] = with_rings(uv)


@dataclass(slots=True)
class _Layout:
    """Where things lie in one frame.

    ``points`` are the vertices to draw, ``origin`` the places of the frame that they show;
    ``uv`` and ``from_px`` say the same for each cell of the grid. ``face`` is the part of the grid
    within the oval, ``at_face`` where its cells lie in the whole one.
    """

    points: NDArray[np.float32]
    grid: Grid
    surface: Surface
    uv: NDArray[np.float32]
    from_px: NDArray[np.float32]
    face: Grid
    at_face: tuple[slice, slice]

    def touched(self, alpha: NDArray[np.float32], moved: bool) -> NDArray[np.uint8]:
        """255 where the face is drawn or its surroundings are moved, 0 elsewhere; box size."""
        cells = np.zeros(self.grid.shape_hw, np.uint8)
        if moved:
            cells[self.surface.triangle >= 0] = 255
        cells[self.at_face][alpha > 0] = 255
        # Enlarged, a cell reaches half of the way into its neighbours: all of that is touched.
        return np.asarray(self.grid.enlarge(cells) > 0, np.uint8) * np.uint8(255)

    def field_at_face(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of an atlas field at the face's cells."""
        at = self.uv[self.at_face] * len(field) - 0.5
        return sample(field, at)


class FaceRenderer:
    """Draws one identity on one track; remembers what belongs to the track.

    Args:
        donor: whom to draw.
        settings: how.
        landmarker: looks at the first frame's result (see ``settle``); without one nobody looks.

    Attributes:
        donor: whom it draws.
    """

    def __init__(
        self, donor: Donor, settings: Settings, landmarker: Landmarker | None = None
    ) -> None:
        self.donor = self._donor = donor
        self._scale = 1.0
        self._settings = settings
        self._landmarker = landmarker
        self._lean: Lean | None = None
        self._shape = ShapeTransfer(donor.mesh)
        self._reader = Reader(donor.texture.field, donor.trust, settings)
        self._detail = Detail()

    @property
    def scale(self) -> float:
        """Share of the target's resolution that is drawn at: sharpness is measured anew with it."""
        return self._scale

    @scale.setter
    def scale(self, value: float) -> None:
        if value != self._scale:
            self._scale = value
            self._detail = Detail()

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on and keep what is known of the track."""
        if self._lean is not None:
            share = _lean_share(settings) / _lean_share(self._settings)
            self._lean.offset_cm = self._lean.offset_cm * share
        self._settings = settings
        self._reader.configure(settings)

    def draw(
        self,
        pixels: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        track_id: int,
        backdrop: NDArray[np.uint8] | None = None,
        *,
        crowded: bool = False,
    ) -> Patch | None:
        """Draw the face; None where it lies outside the frame.

        Args:
            pixels: uint8 (H, W, 3) BGR, the target's frame.
            landmarks: float32 (478, 3) frame pixels.
            track_id: written to the patch.
            backdrop: uint8 (H, W, 3) BGR, what surrounds the face in the result, where that is no
                longer the frame (another swapped face near by).
            crowded: one of many faces: drawn from a coarser grid and read less often.
        """
        if self._landmarker is not None and self._lean is None:
            self._lean = self._settle(self._landmarker, pixels, landmarks)
        layout = self._lay_out(landmarks, pixels.shape, crowded)
        if layout is None:
            return None
        canvas = self._warp_surroundings(pixels if backdrop is None else backdrop, layout)
        reading = self._reader.read(pixels, landmarks, crowded)

        x0, y0, x1, y1 = layout.face.box
        left, top = layout.grid.box[:2]
        base = canvas[y0 - top : y1 - top, x0 - left : x1 - left]
        alpha = self._alpha(layout)
        mask = layout.face.enlarge(alpha)
        skin = self._detail.match(
            self._lit_texture(layout, reading),
            pixels[y0:y1, x0:x1],
            mask,
            self._settings.sharpness,
        )
        if reading.covered is not None:
            hidden = layout.face.enlarge(layout.field_at_face(reading.covered))
            mask = mask * (1 - refine(hidden, base, max(2, round(0.04 * max(base.shape)))))
        mask = self._open_mouth(mask, layout)
        base[:] = cv2.blendLinear(skin, base, mask, 1 - mask)
        return Patch(
            track_id, layout.grid.box, canvas, layout.touched(alpha, self._settings.shape > 0)
        )

    def _settle(
        self, landmarker: Landmarker, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]
    ) -> Lean:
        """What the network's eye has to be corrected for, found with renderers of no memory."""

        def draw(lean: Lean) -> NDArray[np.uint8]:
            trial = FaceRenderer(self._donor, self._settings)
            trial._lean = lean
            picture = pixels.copy()
            patch = trial.draw(pixels, landmarks, -1)
            if patch is not None:
                blend(picture, patch)
            return picture

        shape = self._settings.shape
        offsets = ShapeTransfer(self._donor.mesh).offsets(landmarks, shape)
        share = _lean_share(self._settings)
        return Lean.measure(landmarker, pixels, landmarks, offsets, share, draw)

    def _lay_out(
        self, landmarks: NDArray[np.float32], shape: tuple[int, ...], crowded: bool
    ) -> _Layout | None:
        origin = np.concatenate([landmarks[:468], landmarks[list(IRIS_CENTRES)]])
        points = origin.copy()
        lean_cm = None if self._lean is None else self._lean.offset_cm
        offsets = self._shape.offsets(landmarks, self._settings.shape, lean_cm)
        points[:468] += offsets
        points[468] += offsets[EYE_LEFT].mean(0)
        points[469] += offsets[EYE_RIGHT].mean(0)
        close_lids(points)
        points, origin = with_rings(points), with_rings(origin)
        for k, left in enumerate(RING_FALLOFF):
            ring = slice(470 + 36 * k, 506 + 36 * k)
            origin[ring, :2] = points[ring, :2] - left * offsets[OVAL, :2]
        face_box = _box(points[:468], shape, margin=1)
        box = face_box if self._settings.shape == 0 else _box(points, shape, margin=0)
        if face_box is None or box is None:
            return None
        width = float(np.ptp(landmarks[:468, :2], axis=0).max())
        across = _CELLS_IN_CROWD if crowded else _CELLS_ACROSS
        across = max(_CELLS_IN_CROWD, round(across * self._scale))
        grid = Grid(box, max(1, round(width / across)))
        depth = points[:, 2].copy()
        depth[470:] += width
        surface = rasterise(grid.to_cells(points[:, :2]), depth, TRIANGLES, grid.shape_hw)
        cells = surface.interpolate(np.concatenate([self._donor.uv, origin[:, :2]], axis=1))
        from_px = cells[..., 2:]
        none = surface.triangle < 0
        from_px[none] = grid.centres()[none]
        face, at_face = grid.part(face_box)
        return _Layout(points, grid, surface, cells[..., :2], from_px, face, at_face)

    def _warp_surroundings(self, pixels: NDArray[np.uint8], layout: _Layout) -> NDArray[np.uint8]:
        """A copy of the frame's part under the grid, its outline moved to the donor's."""
        x0, y0, x1, y1 = layout.grid.box
        if self._settings.shape == 0:
            return pixels[y0:y1, x0:x1].copy()
        at = layout.grid.enlarge(layout.from_px)
        return sample(pixels, at)

    def _lit_texture(self, layout: _Layout, reading: Reading) -> NDArray[np.uint8]:
        """The donor's skin over the face's box in the target's light and with its folds."""
        texture = self._donor.texture
        span = float(np.ptp(layout.points[:468, :2], axis=0).max())
        level = texture.level(texture.level_for(texture.size / span))
        at = layout.face.enlarge(layout.uv[layout.at_face] * np.float32(len(level)) - 0.5)
        skin = sample(level, at)
        scale = layout.face.enlarge(layout.field_at_face(reading.scale))
        lift = layout.face.enlarge(layout.field_at_face(reading.lift).astype(np.uint8))
        lit = cv2.add(cv2.multiply(skin, scale, dtype=cv2.CV_8U), lift)
        return np.asarray(lit, np.uint8)

    def _alpha(self, layout: _Layout) -> NDArray[np.float32]:
        """How far each cell shows the donor: soft at the rim and where the face turns away."""
        number = layout.surface.triangle[layout.at_face]
        turned = np.ones(len(TRIANGLES) + 1, np.float32)
        turned[:-1] = np.clip((facing(layout.points, TRIANGLES) - 0.05) / 0.25, 0, 1)
        turned[MOUTH:] = 0
        alpha = layout.field_at_face(self._donor.alpha)
        alpha *= cv2.blur(turned[number], (3, 3))
        alpha[number < 0] = 0
        return alpha * np.float32(self._settings.strength)

    def _open_mouth(self, mask: NDArray[np.float32], layout: _Layout) -> NDArray[np.float32]:
        """Leave the inside of the lips to the target."""
        x0, y0 = layout.face.box[:2]
        lips = layout.points[INNER_LIPS, :2] - (x0, y0)
        hole = np.zeros(mask.shape, np.uint8)
        cv2.fillPoly(hole, [np.round(lips * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return mask * (1 - hole.astype(np.float32) / np.float32(255))


def _lean_share(settings: Settings) -> float:
    """How much of the network's lean is taken off."""
    return 1.0 - _LEAN_KEPT * settings.shape


def _box(
    points: NDArray[np.float32], shape: tuple[int, ...], margin: int
) -> tuple[int, int, int, int] | None:
    """The points' box within a frame, (x0, y0, x1, y1) half open; None below four pixels."""
    low = np.floor(points[:, :2].min(0)).astype(int) - margin
    high = np.ceil(points[:, :2].max(0)).astype(int) + 1 + margin
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), shape[1]), min(int(high[1]), shape[0])
    return None if x1 - x0 < 4 or y1 - y0 < 4 else (x0, y0, x1, y1)
