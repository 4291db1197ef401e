"""The nodes of one Winograd convolution, channels last.

Rows are transformed by one matrix product, columns by another; 36 products with constant weights
of two axes follow, which both runtimes lay out once while they load (a product of three axes they
would lay out again in every run); two more take the products to the results. The bias is added to
the one product that goes into each result with the weight 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.runtime.winograd_axes import POINTS, TILE, AxisTransform, filter_transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.runtime.graph_edit import GraphEdit

__all__ = ["WinogradConvolution"]

_VALUES = len(POINTS) + 1
_ONE = POINTS.index(1.0)


@dataclass(frozen=True, slots=True, eq=False)
class WinogradConvolution:
    """A 3x3 convolution of stride 1 as matrix products.

    Attributes:
        rows: transform of the height.
        columns: transform of the width.
        size_hw: height and width of the input, before what the transforms fold in.
    """

    rows: AxisTransform
    columns: AxisTransform
    size_hw: tuple[int, int]

    def add(
        self,
        edit: GraphEdit,
        x: str,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32] | None,
        wish: str,
    ) -> str:
        """Add the nodes; the name of the result (N, H, W, out), float32.

        Args:
            edit: takes the nodes and weights.
            x: (N, *size_hw, in) float32.
            weights: float32 (out, in, 3, 3).
            bias: float32 (out,), or None.
            wish: what names are made of.
        """
        out, inner = weights.shape[:2]
        entered = self._enter(edit, x, inner)
        transformed = filter_transform(weights)
        lines = []
        for i in range(_VALUES):
            products = []
            for j in range(_VALUES):
                part = self._part(edit, entered, i, j, inner)
                weight = edit.floats(transformed[i, j], f"{wish}.{i}{j}")
                product = edit.node("MatMul", part, weight)
                if bias is not None and (i, j) == (_ONE, _ONE):
                    product = edit.node("Add", product, edit.floats(bias, f"{wish}.bias"))
                products.append(product)
            lines.append(self._line(edit, products, out))
        return self._leave(edit, lines, out)

    def _enter(self, edit: GraphEdit, x: str, inner: int) -> str:
        """(N * row blocks, 6, row tiles, column blocks, 6, column tiles, in)."""
        height, width = self.size_hw
        rows, columns = self.rows, self.columns
        x = _apply(edit, rows, edit.reshape(x, -1, height, width * inner))
        x = _apply(edit, columns, edit.reshape(x, -1, width, inner))
        sides = (_VALUES, rows.tiles, columns.blocks, _VALUES, columns.tiles, inner)
        return edit.reshape(x, -1, *sides)

    def _part(self, edit: GraphEdit, entered: str, i: int, j: int, inner: int) -> str:
        """Value (i, j) of every tile: (N * all row tiles, all column tiles, in)."""
        first, last = edit.integers([i, j]), edit.integers([i + 1, j + 1])
        part = edit.node("Slice", entered, first, last, edit.integers([1, 4]))
        return edit.reshape(part, -1, self.columns.all_tiles, inner)

    def _line(self, edit: GraphEdit, products: list[str], out: int) -> str:
        """Six products of one i joined along the columns: (N * row blocks, row tiles, W * out)."""
        columns = self.columns
        if columns.blocks > 1:
            sides = (-1, columns.blocks, columns.tiles, out)
            products = [edit.reshape(product, *sides) for product in products]
        joined = edit.node("Concat", *products, axis=2 if columns.blocks > 1 else 1)
        line = edit.node("MatMul", edit.floats(columns.leave, "leave"), joined)
        return edit.reshape(line, -1, self.rows.tiles, _computed(columns) * out)

    def _leave(self, edit: GraphEdit, lines: list[str], out: int) -> str:
        rows, columns = self.rows, self.columns
        joined = edit.node("Concat", *lines, axis=1)
        result = edit.node("MatMul", edit.floats(rows.leave, "leave"), joined)
        height, width = _computed(rows), _computed(columns)
        result = edit.reshape(result, -1, height, width, out)
        if (height, width) != (rows.results, columns.results):
            ends = edit.integers([rows.results, columns.results])
            result = edit.node("Slice", result, edit.integers([0, 0]), ends, edit.integers([1, 2]))
        return result


def _computed(axis: AxisTransform) -> int:
    """Results that the products give, a few of them beyond the end where there are blocks."""
    return axis.results if axis.blocks == 1 else axis.all_tiles * TILE


def _apply(edit: GraphEdit, axis: AxisTransform, x: str) -> str:
    """Transform the second of three axes; with blocks the result has four."""
    if axis.places is not None:
        x = edit.node("Gather", x, edit.integers(axis.places), axis=1)
    return edit.node("MatMul", edit.floats(axis.enter, "enter"), x)
