"""Convolutions of 3x3 written as matrix products, where that is quicker on a CPU.

A convolution with stride 1 and constant weights takes 9 multiplications for each result and
channel; Winograd's F(4, 3) takes 2.25, and its products run at the speed of the best kernel there
is, that of matrix products. Results are those of the convolution to rounding (above 100 dB). The
weights grow fourfold, so it is a choice within the memory budget: :func:`winograd_cost` says how
much it takes.

Pads before a convolution and resizing before it (by zeros, by a mirror, bilinear, nearest) are
linear along each axis and vanish into the transforms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.runtime.channels_last import rewrite_channels_last
from masquerade.runtime.graph_edit import GraphEdit
from masquerade.runtime.graph_shapes import infer_shapes
from masquerade.runtime.linear_steps import Source, has_plain_size, trace_source
from masquerade.runtime.modulation import ModulatedWeights
from masquerade.runtime.winograd_axes import POINTS, TAPS, AxisTransform
from masquerade.runtime.winograd_nodes import WinogradConvolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto, NodeProto

    from masquerade.runtime.graph_shapes import Shape

__all__ = ["apply_winograd", "winograd_cost"]

_OLDEST_OPSET = 11
_VALUES = len(POINTS) + 1
_WIDEST_PAD = 64
_LEAST_GAIN = 0.8
"""Only where the estimate is below this share of the direct convolution's."""

# Measured on two cores of Zen 5 with ONNX Runtime 1.32; only their ratios matter. Convolutions
# and products of many rows come near the peak, transforms reach half of it, and weights come from
# memory once in each run.
_PEAK = 1.0
_TRANSFORM_PEAK = 0.5
_MULTIPLY_ADDS_PER_WEIGHT = 40
_MULTIPLY_ADDS_PER_VALUE = 50
_MULTIPLY_ADDS_OF_NODES = 150_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A convolution that can be written so, and what it reads once its pads are folded in."""

    source: Source
    plan: WinogradConvolution
    channels: tuple[int, int]

    @property
    def extra_bytes(self) -> int:
        """Float32 weights of 36 products, less the nine taps that they replace."""
        return 4 * (_VALUES**2 - TAPS**2) * self.channels[0] * self.channels[1]

    @property
    def pays(self) -> bool:
        """Whether the products are estimated to be quicker than the convolution."""
        return self._products() < _LEAST_GAIN * self._direct()

    def _direct(self) -> float:
        out, inner = self.channels
        places = self.plan.rows.results * self.plan.columns.results
        weights = TAPS**2 * out * inner
        return places * weights / _PEAK + weights * _MULTIPLY_ADDS_PER_WEIGHT

    def _products(self) -> float:
        out, inner = self.channels
        rows, columns = self.plan.rows, self.plan.columns
        tiles = rows.all_tiles * columns.all_tiles
        weights = _VALUES**2 * out * inner
        entered = rows.all_tiles * _VALUES
        enter = entered * self.plan.size_hw[1] * rows.enter.shape[-1]
        enter += entered * columns.all_tiles * _VALUES * columns.enter.shape[-1]
        leave = entered * columns.results * columns.leave.shape[-1]
        leave += rows.results * columns.results * rows.leave.shape[-1]
        cost = tiles * weights / _PEAK + (inner * enter + out * leave) / _TRANSFORM_PEAK
        cost += weights * _MULTIPLY_ADDS_PER_WEIGHT
        cost += tiles * _VALUES**2 * (inner + out) * _MULTIPLY_ADDS_PER_VALUE
        return float(cost + _MULTIPLY_ADDS_OF_NODES)


def winograd_cost(model: ModelProto) -> int:
    """Bytes of weights that :func:`apply_winograd` would add; 0 when it would change nothing.

    Convolutions with modulated weights count as those with constant weights that the pass of
    :mod:`masquerade.runtime.modulation` makes of them. The model is not changed.

    Raises:
        ModelError: the graph contradicts itself.
    """
    edit, shapes = GraphEdit(model), infer_shapes(model)
    found = _candidates(model, edit, shapes, ModulatedWeights(model, edit, shapes))
    return sum(candidate.extra_bytes for candidate in found.values())


def apply_winograd(model: ModelProto) -> int:
    """Write every 3x3 convolution for which it pays as matrix products, in place.

    What lies between such convolutions is turned to channels last too, so that values change
    their layout at the borders of such regions only.

    Args:
        model: float32; sizes of pictures are fixed, the batch may be open.

    Returns:
        How many convolutions were rewritten.

    Raises:
        ModelError: the graph contradicts itself.
    """
    edit = GraphEdit(model)
    shapes = infer_shapes(model)
    found = _candidates(model, edit, shapes)
    if found:
        heavy = {name: _Writer(candidate) for name, candidate in found.items()}
        rewrite_channels_last(model, edit, shapes, heavy)
    return len(found)


class _Writer:
    """Adds the nodes of one convolution; the layout pass asks it to."""

    def __init__(self, candidate: _Candidate) -> None:
        self._candidate = candidate
        self.source = candidate.source.name

    def add(self, edit: GraphEdit, node: NodeProto, x: str) -> str:
        """The convolution of ``x`` (N, H, W, in) as (N, H, W, out)."""
        weights = edit.constant(node.input[1])
        bias = edit.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        assert weights is not None  # a candidate has them
        return self._candidate.plan.add(edit, x, weights, bias, node.output[0])


def _candidates(
    model: ModelProto,
    edit: GraphEdit,
    shapes: Mapping[str, Shape],
    modulated: ModulatedWeights | None = None,
) -> dict[str, _Candidate]:
    """Convolutions for which it pays, by the name of their result."""
    if edit.opset < _OLDEST_OPSET:
        return {}
    makers = {name: node for node in model.graph.node for name in node.output}
    found = {}
    for node in model.graph.node:
        if node.op_type == "Conv" and not node.domain:
            scaled = modulated.convolution(node) if modulated else None
            weights = scaled.weights if scaled else node.input[1]
            candidate = _candidate(node, weights, edit, shapes, makers)
            if candidate is not None and candidate.pays:
                found[node.output[0]] = candidate
    return found


def _candidate(
    node: NodeProto,
    weights: str,
    edit: GraphEdit,
    shapes: Mapping[str, Shape],
    makers: Mapping[str, NodeProto],
) -> _Candidate | None:
    from onnx import TensorProto

    filters = (edit.constant_shape(weights) or ())[-4:]
    bias = node.input[2] if len(node.input) > 2 else ""
    shape = shapes.get(node.input[0], ())
    if len(filters) != 4 or filters[2:] != (TAPS, TAPS) or min(filters) < 1:
        return None
    if edit.constant_type(weights) != TensorProto.FLOAT:
        return None
    if bias and edit.constant_shape(bias) != filters[:1]:
        return None
    pads = _plain_pads(node)
    if pads is None or not has_plain_size(shape) or shape[1] != filters[1]:
        return None
    source = trace_source(node.input[0], shapes, makers, edit)
    top, left, bottom, right = pads
    rows = np.pad(source.rows, ((top, bottom), (0, 0)))
    columns = np.pad(source.columns, ((left, right), (0, 0)))
    if min(len(rows), len(columns)) < TAPS:
        return None
    plan = WinogradConvolution(AxisTransform.of(rows), AxisTransform.of(columns), source.size_hw)
    # What the transforms give is what the graph says, or the graph is not understood.
    result = (filters[0], plan.rows.results, plan.columns.results)
    if shapes.get(node.output[0], ())[1:] != result:
        return None
    return _Candidate(source, plan, (filters[0], filters[1]))


def _plain_pads(node: NodeProto) -> tuple[int, int, int, int] | None:
    """Pads of a convolution (top, left, bottom, right); None for one of another kind."""
    from onnx import helper

    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    steps = [*values.get("strides", ()), *values.get("dilations", ()), values.get("group", 1)]
    if any(step != 1 for step in steps):
        return None
    automatic = values.get("auto_pad", b"NOTSET")
    if automatic in (b"SAME_UPPER", b"SAME_LOWER"):
        return (1, 1, 1, 1)
    pads = tuple(values.get("pads", (0, 0, 0, 0))) if automatic == b"NOTSET" else (0, 0, 0, 0)
    return pads if len(pads) == 4 and min(pads) >= 0 and max(pads) <= _WIDEST_PAD else None
