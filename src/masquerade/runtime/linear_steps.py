"""The pads and resizings before a convolution, found in the graph and joined into two matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.runtime.axis_maps import (
    COORDINATES,
    NEAREST_ROUNDINGS,
    PAD_MODES,
    pad_map,
    resize_map,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import NodeProto

    from masquerade.runtime.graph_edit import GraphEdit
    from masquerade.runtime.graph_shapes import Shape

__all__ = ["Source", "has_plain_size", "trace_source"]

_LONGEST_SIDE = 4096
"""Of a picture; matrices of a side by a side are made."""

_Maps = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What a convolution reads, once the linear steps before it are folded into matrices.

    Attributes:
        name: of the tensor (N, C, height, width) before all those steps.
        size_hw: its height and width.
        rows: float64 (height after the steps, height), applied along the height.
        columns: float64 (width after the steps, width), applied along the width.
    """

    name: str
    size_hw: tuple[int, int]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]


def trace_source(
    name: str,
    shapes: Mapping[str, Shape],
    makers: Mapping[str, NodeProto],
    edit: GraphEdit,
) -> Source:
    """Walk up from a tensor over every Pad and Resize that can be folded.

    Args:
        name: of a tensor (N, C, H, W) whose H and W are known.
        shapes: of all tensors.
        makers: the node that computes each tensor.
        edit: knows the weights.
    """
    height, width = _size(name, shapes)
    rows, columns = np.eye(height), np.eye(width)
    while True:
        node = makers.get(name)
        step = None
        if node is not None and node.op_type in ("Pad", "Resize") and not node.domain:
            step = (_pad if node.op_type == "Pad" else _resize)(node, shapes, edit)
        if node is None or step is None:
            return Source(name, _size(name, shapes), rows, columns)
        rows, columns = rows @ step[0], columns @ step[1]
        name = node.input[0]


def has_plain_size(shape: Shape) -> bool:
    """Whether a map (N, C, H, W) has a height and a width that are known and plausible."""
    return len(shape) == 4 and all(side and 0 < side <= _LONGEST_SIDE for side in shape[2:])


def _size(name: str, shapes: Mapping[str, Shape]) -> tuple[int, int]:
    height, width = shapes[name][2:]
    assert height is not None and width is not None
    return height, width


def _sizes(
    node: NodeProto, shapes: Mapping[str, Shape]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Height and width before and after a node; None when they are not known."""
    before, after = shapes.get(node.input[0], ()), shapes.get(node.output[0], ())
    if len(before) != 4 or len(after) != 4 or before[1] != after[1]:
        return None
    if not has_plain_size(before) or not has_plain_size(after):
        return None
    return _size(node.input[0], shapes), _size(node.output[0], shapes)


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx import helper

    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return {
        k: v.decode("utf-8", "replace") if isinstance(v, bytes) else v for k, v in values.items()
    }


def _pad(node: NodeProto, shapes: Mapping[str, Shape], edit: GraphEdit) -> _Maps | None:
    sizes = _sizes(node, shapes)
    values = edit.constant(node.input[1]) if len(node.input) > 1 else None
    fill = edit.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(())
    mode = _attributes(node).get("mode", "constant")
    if sizes is None or values is None or fill is None or fill.any() or mode not in PAD_MODES:
        return None
    if values.size != 8 or len(node.input) > 3 or values.min() < 0 or values[[0, 1, 4, 5]].any():
        return None
    (height, width), _ = sizes
    top, left, bottom, right = (int(value) for value in values[[2, 3, 6, 7]])
    if mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        return None
    return pad_map(height, top, bottom, mode), pad_map(width, left, right, mode)


def _resize(node: NodeProto, shapes: Mapping[str, Shape], edit: GraphEdit) -> _Maps | None:
    sizes = _sizes(node, shapes)
    values = _attributes(node)
    mode = values.get("mode", "nearest")
    coordinates = values.get("coordinate_transformation_mode", "half_pixel")
    rounding = values.get("nearest_mode", "round_prefer_floor") if mode == "nearest" else None
    stretched = values.get("keep_aspect_ratio_policy", "stretch") == "stretch"
    plain = stretched and not values.get("antialias") and "axes" not in values
    if sizes is None or not plain or mode not in ("nearest", "linear"):
        return None
    if coordinates not in COORDINATES or (rounding and rounding not in NEAREST_ROUNDINGS):
        return None
    scales = _scales(node, sizes, edit)
    if scales is None or not all(0 < scale < _LONGEST_SIDE for scale in scales):
        return None
    maps = [
        resize_map(before, after, scale, coordinates, rounding)
        for before, after, scale in zip(*sizes, scales, strict=True)
    ]
    return maps[0], maps[1]


def _scales(
    node: NodeProto, sizes: tuple[tuple[int, int], tuple[int, int]], edit: GraphEdit
) -> tuple[float, float] | None:
    """Scales of height and width; None when they are computed at run time."""
    if len(node.input) > 3 and node.input[3]:
        before, after = sizes
        return after[0] / before[0], after[1] / before[1]
    values = edit.constant(node.input[2]) if len(node.input) > 2 else None
    if values is None or values.size != 4:
        return None
    return float(values[2]), float(values[3])
