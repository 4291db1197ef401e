"""Drawing a mesh: which triangle covers which cell, and what its vertices say there.

A full-size picture is never rasterised. Triangles are drawn on a coarse grid of some hundred cells
across the face, the vertices' attributes are interpolated there, and the result, which is
piecewise linear anyway, is enlarged by ``cv2.resize``. So the cost of the geometry does not grow
with the face.

Convention: cell (i, j) of a grid has its centre at the frame's pixel
``(left + (i + 0.5) * step - 0.5, top + (j + 0.5) * step - 0.5)``, which is what cv2.resize assumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Grid", "Surface", "rasterise", "unwrap_weights"]

Value = TypeVar("Value", np.uint8, np.float32)
_SHIFT = 4
_LEAST_AREA = 0.02
"""Twice the area, in cells, below which a triangle is not drawn."""
_LEAST_HEIGHT = 0.35
"""Height, in cells, below which a triangle longer than a cell is a splinter."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells over a box of the frame, with a margin of one cell all around.

    Attributes:
        box: (x0, y0, x1, y1) frame pixels, half open.
        step: pixels along a cell's side.
    """

    box: tuple[int, int, int, int]
    step: int

    @property
    def shape_hw(self) -> tuple[int, int]:
        """Rows and columns of cells, the margin included."""
        x0, y0, x1, y1 = self.box
        return -(-(y1 - y0) // self.step) + 2, -(-(x1 - x0) // self.step) + 2

    def to_cells(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Frame pixels (..., 2) as cell coordinates; cell centres are whole numbers."""
        origin = np.array(self.box[:2], np.float32) - self.step - 0.5
        return ((points - origin) / self.step - 0.5).astype(np.float32)

    def centres(self) -> NDArray[np.float32]:
        """Frame pixels of the cells' centres, float32 (rows, columns, 2)."""
        rows, columns = self.shape_hw
        x = self.box[0] - self.step + (np.arange(columns, dtype=np.float32) + 0.5) * self.step - 0.5
        y = self.box[1] - self.step + (np.arange(rows, dtype=np.float32) + 0.5) * self.step - 0.5
        return np.stack(np.meshgrid(x, y), axis=-1)

    def enlarge(self, values: NDArray[Value]) -> NDArray[Value]:
        """Cell values (rows, columns, ...) as pixel values of the box, bilinear."""
        x0, y0, x1, y1 = self.box
        rows, columns = self.shape_hw
        full = values
        if self.step > 1:
            size = (columns * self.step, rows * self.step)
            enlarged = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
            full = np.asarray(enlarged, values.dtype)
        return full[self.step : self.step + y1 - y0, self.step : self.step + x1 - x0]

    def part(self, box: tuple[int, int, int, int]) -> tuple[Grid, tuple[slice, slice]]:
        """The grid over a smaller box, widened to whole cells, and where its cells lie in this."""
        x0, y0, x1, y1 = self.box
        left, top = (max(box[0], x0) - x0) // self.step, (max(box[1], y0) - y0) // self.step
        inner = (
            x0 + left * self.step,
            y0 + top * self.step,
            min(x0 + -(-(box[2] - x0) // self.step) * self.step, x1),
            min(y0 + -(-(box[3] - y0) // self.step) * self.step, y1),
        )
        grid = Grid(inner, self.step)
        rows, columns = grid.shape_hw
        return grid, (slice(top, top + rows), slice(left, left + columns))


@dataclass(frozen=True, slots=True)
class Surface:
    """A rasterised mesh.

    Attributes:
        triangle: int32 (rows, columns), the front-most triangle of each cell, -1 for none.
        corners: int (T, 3), the mesh's triangles.
        cells: float32 (V, 2), the vertices in cell coordinates.
    """

    triangle: NDArray[np.int32]
    corners: NDArray[np.integer]
    cells: NDArray[np.float32]

    def interpolate(self, attributes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vertex attributes (V, K) at each cell, float32 (rows, columns, K); 0 where none."""
        rows, columns = self.triangle.shape
        flat = self.triangle.reshape(-1)
        x = np.tile(np.arange(columns, dtype=np.float32), rows)
        y = np.repeat(np.arange(rows, dtype=np.float32), columns)
        out = np.empty((rows, columns, attributes.shape[1]), np.float32)
        for k, (a, b, c) in enumerate(_planes(self.cells, self.corners, attributes)):
            # One plane of numbers at a time: contiguous gathers are what the time goes into.
            value = a[flat] * x
            value += b[flat] * y
            value += c[flat]
            out[..., k] = value.reshape(rows, columns)
        return out


def _planes(
    points: NDArray[np.float32], corners: NDArray[np.integer], attributes: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Coefficients of ``a*x + b*y + c``, (K, 3, T + 1); those of the last triangle are zero."""
    p, q = points[corners].astype(np.float64), attributes[corners].astype(np.float64)
    e1, e2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    d1, d2 = q[:, 1] - q[:, 0], q[:, 2] - q[:, 0]
    det = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    inverse = np.where(np.abs(det) < 1e-6, 0.0, 1.0 / np.where(det == 0, 1.0, det))[:, None]
    gx = (d1 * e2[:, 1:] - d2 * e1[:, 1:]) * inverse
    gy = (d2 * e1[:, :1] - d1 * e2[:, :1]) * inverse
    base = q[:, 0] - gx * p[:, 0, :1] - gy * p[:, 0, 1:]
    planes = np.zeros((attributes.shape[1], 3, len(corners) + 1), np.float32)
    planes[:, 0, :-1], planes[:, 1, :-1], planes[:, 2, :-1] = gx.T, gy.T, base.T
    return planes


def rasterise(
    cells: NDArray[np.float32],
    depth: NDArray[np.floating],
    corners: NDArray[np.integer],
    shape_hw: tuple[int, int],
) -> Surface:
    """Draw a mesh on a grid, far triangles first, those turned away left out.

    Args:
        cells: float32 (V, 2) vertices in cell coordinates.
        depth: (V,), larger is farther.
        corners: (T, 3) vertex numbers in MediaPipe's winding.
        shape_hw: rows and columns of the grid.
    """
    p = cells[corners]
    e1, e2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    order = np.flatnonzero(_drawable(e1, e2))
    order = order[np.argsort(-depth[corners[order]].sum(1), kind="stable")]
    fixed = np.round(p[order] * (1 << _SHIFT)).astype(np.int32)
    triangle = np.full(shape_hw, -1, np.int32)
    draw = cv2.fillConvexPoly
    for polygon, number in zip(list(fixed), order.tolist(), strict=True):
        draw(triangle, polygon, number, 8, _SHIFT)
    return Surface(triangle, corners, cells)


def _drawable(e1: NDArray[np.float32], e2: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Triangles, by two of their edges, that face the viewer and are more than a line.

    Every cell that an edge touches is drawn, so a line (a shut eye) would be one cell wide, and a
    splinter would show values from far beyond its corners. Its neighbours cover its cells.
    """
    area = e1[:, 1] * e2[:, 0] - e1[:, 0] * e2[:, 1]
    e3 = e2 - e1
    longest = np.maximum.reduce([(edge * edge).sum(1) for edge in (e1, e2, e3)])
    splinter = (area * area < _LEAST_HEIGHT**2 * longest) & (longest > 1.4)
    return np.asarray((area > _LEAST_AREA) & ~splinter)


def unwrap_weights(
    uv: NDArray[np.float32], corners: NDArray[np.integer], size: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.bool_]]:
    """For each texel of a square atlas the three vertices that span it and their weights.

    Returns:
        vertices int32 (size*size, 3), weights float32 (size*size, 3), covered bool (size, size).
        Texels outside the mesh take the nearest point of the nearest triangle.
        The position of texel k on a mesh is ``(weights[k, :, None] * mesh[vertices[k]]).sum(0)``.
    """
    cells = (uv * size - 0.5).astype(np.float32)
    surface = rasterise(cells, np.zeros(len(uv)), corners, (size, size))
    covered = surface.triangle >= 0
    number = _spread(surface.triangle).reshape(-1)
    vertices = corners[number].astype(np.int32)
    ys, xs = np.mgrid[0:size, 0:size].reshape(2, -1).astype(np.float32)
    a, b, c = (cells[vertices[:, i]] for i in range(3))
    area = _cross(b - a, c - a)
    point = np.stack([xs, ys], axis=1)
    w1, w2 = _cross(point - a, c - a) / area, _cross(b - a, point - a) / area
    weights = np.clip(np.stack([1 - w1 - w2, w1, w2], axis=1), 0, 1).astype(np.float32)
    weights /= weights.sum(1, keepdims=True)
    return vertices, weights, covered


def _spread(triangle: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give cells without a triangle that of the nearest cell that has one."""
    empty = (triangle < 0).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number_of_label = np.zeros(int(nearest.max()) + 1, np.int32)
    number_of_label[nearest[empty == 0]] = triangle[empty == 0]
    return np.asarray(number_of_label[nearest], np.int32)


def _cross(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
