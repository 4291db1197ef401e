"""One face drawn: the donor's texture on the target's mesh, in the target's light and shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.frame import Patch
from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS, IRIS_CENTRES, OVAL, facing
from masquerade.geometry.raster import Grid, Surface, rasterise
from masquerade.models.canonical import CANONICAL
from masquerade.stages.meshswap.detail import Detail
from masquerade.stages.meshswap.light import Light, sample_field
from masquerade.stages.meshswap.occlusion import Occlusion, refine
from masquerade.stages.meshswap.parts import (
    FIELD_SIZE,
    MOUTH,
    RING_FALLOFF,
    TRIANGLES,
    edge_ramp,
    skin_field,
    with_rings,
)
from masquerade.stages.meshswap.shape import ShapeTransfer
from masquerade.stages.meshswap.texture import Texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings
    from masquerade.stages.identity import Identity

__all__ = ["Donor", "FaceRenderer"]

_CELLS_ACROSS = 112
_RAMP = 0.05


class Donor:
    """What is computed once per identity and shared by all faces that wear it."""

    def __init__(self, identity: Identity) -> None:
        self.mesh = identity.mesh
        self.texture = Texture(identity.texture, identity.coverage)
        trust = cv2.resize(self.texture.coverage, (FIELD_SIZE, FIELD_SIZE))
        self.trust: NDArray[np.float32] = trust
        self.alpha: NDArray[np.float32] = edge_ramp(128, _RAMP) * self.texture.coverage
        uv = np.zeros((470, 2), np.float32)
        uv[:468] = CANONICAL.uv
        uv[468:] = identity.iris[[0, 5]]
        self.uv: NDArray[np.float32] = with_rings(uv)


@dataclass(slots=True)
class _Layout:
    """Where things lie in one frame: output vertices, the target's own, and the grid over them."""

    points: NDArray[np.float32]
    origin: NDArray[np.float32]
    grid: Grid
    surface: Surface


class FaceRenderer:
    """Draws one identity on one track; remembers what belongs to the track."""

    def __init__(self, donor: Donor, settings: Settings) -> None:
        self._donor = donor
        self._settings = settings
        self._shape = ShapeTransfer(donor.mesh)
        self._light = Light(donor.texture.field, donor.trust)
        self._detail = Detail()
        self._occlusion = Occlusion()

    def draw(
        self, pixels: NDArray[np.uint8], landmarks: NDArray[np.float32], track_id: int
    ) -> Patch | None:
        """Draw the face; None where it lies outside the frame.

        Args:
            pixels: uint8 (H, W, 3) BGR, the target's frame.
            landmarks: float32 (478, 3) frame pixels.
            track_id: written to the patch.
        """
        layout = self._lay_out(landmarks, pixels.shape)
        if layout is None:
            return None
        donor, settings, grid = self._donor, self._settings, layout.grid
        x0, y0, x1, y1 = grid.box
        look = np.concatenate([donor.uv, layout.origin[:, :2] - (x0, y0)], axis=1)
        turned = np.zeros((len(look), 1), np.float32)
        turned[:468, 0] = facing(layout.points[:468], CANONICAL.tri)
        turned[468:470] = 1.0
        cells = layout.surface.interpolate(np.concatenate([look, turned], axis=1))
        none = layout.surface.triangle < 0
        base = self._warp_surroundings(pixels, grid, cells, none)

        field = sample_field(pixels, landmarks)
        covered = self._occlusion.find(field) if settings.occlusion else None
        gain = self._light.gain(
            field, covered, relight=settings.relight, wrinkles=settings.wrinkles
        )
        lit = cv2.multiply(
            self._texture(layout, cells),
            grid.enlarge(_at_cells(gain, cells)),
            dtype=cv2.CV_8U,
        )
        alpha = self._alpha(layout, cells)
        skin = grid.enlarge(alpha * _at_cells(skin_field(), cells)) > 0.9
        lit = self._detail.match(lit, base, skin, settings.sharpness)
        mask = grid.enlarge(alpha)
        mask *= self._outside_mouth(layout)
        if covered is not None:
            hidden = grid.enlarge(_at_cells(covered, cells))
            mask *= 1 - refine(hidden, base, max(2, round(0.04 * max(base.shape))))
        if settings.strength < 1:
            mask *= np.float32(settings.strength)
        drawn = cv2.blendLinear(lit, base, mask, 1 - mask)
        touched = (mask > 1 / 512) | (drawn != pixels[y0:y1, x0:x1]).any(2)
        return Patch(track_id, grid.box, drawn, touched.astype(np.uint8) * np.uint8(255))

    def _lay_out(
        self, landmarks: NDArray[np.float32], shape: tuple[int, ...]
    ) -> _Layout | None:
        origin = np.concatenate([landmarks[:468], landmarks[list(IRIS_CENTRES)]])
        points = origin.copy()
        offsets = self._shape.offsets(landmarks, self._settings.shape)
        points[:468] += offsets
        points[468] += offsets[EYE_LEFT].mean(0)
        points[469] += offsets[EYE_RIGHT].mean(0)
        points, origin = with_rings(points), with_rings(origin)
        for k, left in enumerate(RING_FALLOFF):
            ring = slice(470 + 36 * k, 506 + 36 * k)
            origin[ring] = points[ring]
            origin[ring, :2] -= left * offsets[OVAL, :2]
        reach = points[:, :2] if self._settings.shape > 0 else points[:506, :2]
        low, high = np.floor(reach.min(0)).astype(int), np.ceil(reach.max(0)).astype(int) + 1
        box = (
            max(int(low[0]), 0),
            max(int(low[1]), 0),
            min(int(high[0]), shape[1]),
            min(int(high[1]), shape[0]),
        )
        if box[2] - box[0] < 4 or box[3] - box[1] < 4:
            return None
        width = float(np.ptp(landmarks[:468, :2], axis=0).max())
        grid = Grid.over(box, width / _CELLS_ACROSS)
        depth = points[:, 2].copy()
        depth[470:] += width
        surface = rasterise(grid.to_cells(points[:, :2]), depth, TRIANGLES, grid.shape_hw)
        return _Layout(points, origin, grid, surface)

    def _warp_surroundings(
        self,
        pixels: NDArray[np.uint8],
        grid: Grid,
        cells: NDArray[np.float32],
        none: NDArray[np.bool_],
    ) -> NDArray[np.uint8]:
        """The target with its outline moved to the donor's; the frame itself at shape 0."""
        x0, y0, x1, y1 = grid.box
        region = pixels[y0:y1, x0:x1]
        if self._settings.shape == 0:
            return region
        rows, columns = grid.shape_hw
        own = np.stack(
            np.meshgrid(
                (np.arange(columns, dtype=np.float32) + 0.5) * grid.step[0] - 0.5,
                (np.arange(rows, dtype=np.float32) + 0.5) * grid.step[1] - 0.5,
            ),
            axis=-1,
        )
        shift = cells[..., 2:4] - own
        shift[none] = 0
        full = grid.enlarge(shift)
        full[..., 0] += np.arange(x0, x1, dtype=np.float32)
        full[..., 1] += np.arange(y0, y1, dtype=np.float32)[:, None]
        moved = cv2.remap(pixels, full, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved

    def _texture(self, layout: _Layout, cells: NDArray[np.float32]) -> NDArray[np.uint8]:
        span = np.ptp(layout.points[:468, :2], axis=0).max()
        level = self._donor.texture.level(
            self._donor.texture.level_for(len(self._donor.texture.level(0)) / float(span))
        )
        at = layout.grid.enlarge(cells[..., :2]) * len(level) - 0.5
        return cv2.remap(level, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _alpha(self, layout: _Layout, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        donor_alpha = self._donor.alpha
        alpha = _at_cells(donor_alpha, cells)
        alpha *= np.clip((cells[..., 4] - 0.05) / 0.25, 0, 1)
        number = layout.surface.triangle
        alpha[(number < 0) | (number >= MOUTH)] = 0
        return alpha

    def _outside_mouth(self, layout: _Layout) -> NDArray[np.float32]:
        x0, y0, x1, y1 = layout.grid.box
        lips = layout.points[INNER_LIPS, :2] - (x0, y0)
        hole = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(hole, [np.round(lips * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return 1 - hole.astype(np.float32) / 255


def _at_cells(field: NDArray[np.float32], cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of an atlas field at each cell of the grid."""
    at = cells[..., :2] * len(field) - 0.5
    return cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
