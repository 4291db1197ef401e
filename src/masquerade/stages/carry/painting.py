"""One texture drawn on the mesh of another picture: a single rasterisation on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.geometry.mesh import facing
from masquerade.geometry.raster import Grid, Surface, rasterise
from masquerade.geometry.sampling import reduce, sample
from masquerade.stages.carry.follow import gain
from masquerade.stages.carry.openings import Openings, fill_openings
from masquerade.stages.meshswap.parts import MOUTH, RING_REACH, TRIANGLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.stages.carry.texture import KeyTexture

__all__ = ["Painting", "paint"]

_CELLS_ACROSS = 80
"""Cells of the grid across a face."""
_BLACK = 8.0
"""Added to both sides of a tone's ratio, so that black has none; half of the tone is taken over."""
_GRAZING = (0.02, 0.15)
"""How far a triangle must face the camera to be seen at all, and from there on in full."""
_RINGS = 2
"""Rings around the oval that are drawn; the last one is where the face has faded out."""
_VERTICES = 470 + 36 * _RINGS
_DRAWN = TRIANGLES.max(axis=1) < _VERTICES
_CORNERS = TRIANGLES[_DRAWN]
_MOUTH = int(_DRAWN[:MOUTH].sum())
"""Number of the first triangle of the mouth's inside."""


@dataclass(frozen=True, slots=True)
class Painting:
    """A drawn face.

    Attributes:
        box: (x0, y0, x1, y1) pixels of the picture, half open.
        pixels: uint8 (y1-y0, x1-x0, 3) BGR; of no meaning where ``mask`` is 0.
        mask: uint8 (y1-y0, x1-x0); 255 shows the face.
    """

    box: tuple[int, int, int, int]
    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def paint(
    texture: KeyTexture, film: NDArray[np.uint8], points: NDArray[np.float32], openings: Openings
) -> Painting | None:
    """Draw a texture on a mesh in the light of a picture; None where it lies outside.

    Args:
        texture: the face.
        film: uint8 (H, W, 3) BGR, the picture without it.
        points: float32 (V, 3), the mesh in its pixels (see ``mesh_vertices``).
        openings: of that mesh.
    """
    points = points[:_VERTICES]
    box = _box(points, film.shape)
    if box is None:
        return None
    grid, surface = _rasterise(points, box)
    ring = np.zeros((_VERTICES, 1), np.float32)
    for k in range(_RINGS):
        ring[470 + 36 * k : 506 + 36 * k] = RING_REACH[k] / RING_REACH[_RINGS - 1]
    cells = surface.interpolate(np.concatenate([texture.points[:_VERTICES, :2], ring], axis=1))
    at = np.ascontiguousarray(cells[..., :2])
    rim = _fall_off(cells[..., 2], surface, points)
    mask = _at_cells(texture.mask, texture, at).astype(np.float32) * rim

    film_box = film[box[1] : box[3], box[0] : box[2]]
    now = _to_cells(film_box, grid).astype(np.float32)
    then = _at_cells(texture.small_film, texture, at).astype(np.float32)
    factor = gain(now, then, _skin(cells[..., 2], surface))
    face = sample(texture.pixels, grid.enlarge(at))
    face = np.asarray(cv2.multiply(face, grid.enlarge(factor), dtype=cv2.CV_8U), np.uint8)
    shares = openings.strange_to(texture.openings)
    if max(shares) > 0:
        drawn = _at_cells(texture.small, texture, at).astype(np.float32)
        tone = np.sqrt((drawn + _BLACK) / (then + _BLACK))
        fill_openings(face, film_box, tone[1:-1, 1:-1], points[:, :2] - box[:2], shares)
    return Painting(box, face, grid.enlarge(np.round(mask).astype(np.uint8)))


def _box(points: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    low, high = np.floor(points[:, :2].min(0)), np.ceil(points[:, :2].max(0)) + 1
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), shape[1]), min(int(high[1]), shape[0])
    return None if x1 - x0 < 4 or y1 - y0 < 4 else (x0, y0, x1, y1)


def _rasterise(points: NDArray[np.float32], box: tuple[int, int, int, int]) -> tuple[Grid, Surface]:
    width = float(np.ptp(points[:468, :2], axis=0).max())
    grid = Grid(box, max(1, round(width / _CELLS_ACROSS)))
    depth = points[:, 2].copy()
    depth[470:] += width  # what is around a face lies behind it
    return grid, rasterise(grid.to_cells(points[:, :2]), depth, _CORNERS, grid.shape_hw)


def _fall_off(
    reach: NDArray[np.float32], surface: Surface, points: NDArray[np.float32]
) -> NDArray[np.float32]:
    """1 within the oval, smoothly down to 0 at the last ring and where the face turns away."""
    t = np.clip(1 - reach, 0, 1)
    turned = np.ones(len(_CORNERS) + 1, np.float32)
    turned[:-1] = np.clip((facing(points, _CORNERS) - _GRAZING[0]) / _GRAZING[1], 0, 1)
    turned[_MOUTH:-1] = 1
    rim = t * t * (3 - 2 * t) * cv2.blur(turned[surface.triangle], (3, 3))
    rim[surface.triangle < 0] = 0
    return np.asarray(rim, np.float32)


def _skin(reach: NDArray[np.float32], surface: Surface) -> NDArray[np.float32]:
    """Where light is measured: the face without the mouth's inside."""
    inside = (reach <= 0) & (surface.triangle >= 0) & (surface.triangle < _MOUTH)
    return inside.astype(np.float32)


def _at_cells(
    small: NDArray[np.uint8], texture: KeyTexture, at: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """A small copy of a texture's picture at the cells of the grid."""
    scale = np.array(small.shape[1::-1], np.float32) / texture.pixels.shape[1::-1]
    return sample(small, ((at + 0.5) * scale - 0.5).astype(np.float32))


def _to_cells(part: NDArray[np.uint8], grid: Grid) -> NDArray[np.uint8]:
    """The grid's box of a picture as cells, each the mean of its pixels."""
    rows, columns = grid.shape_hw
    below = (rows - 2) * grid.step - part.shape[0]
    beside = (columns - 2) * grid.step - part.shape[1]
    if below or beside:
        part = np.asarray(
            cv2.copyMakeBorder(part, 0, below, 0, beside, cv2.BORDER_REPLICATE), np.uint8
        )
    cells = reduce(part, (columns - 2, rows - 2))
    return np.asarray(cv2.copyMakeBorder(cells, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.uint8)
