"""Convolutions whose weights are scaled at run time, with the scales moved to their data.

StyleGAN2's decoders (GFPGAN, GPEN) multiply the weights by a style for each channel in, and divide
them by their length for each channel out, at every run. But ``conv(x, W * s / d)`` is
``conv(x * s, W) / d``. Written with constant weights, runtimes lay them out once, and every other
pass sees a plain convolution. The length becomes a matrix product:
``d**2 = sum_k (W s)**2 = (sum_k W**2) s**2``.
Source: T. Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from masquerade.runtime.graph_edit import GraphEdit
from masquerade.runtime.graph_shapes import infer_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto, NodeProto

    from masquerade.runtime.graph_shapes import Shape

__all__ = ["ModulatedWeights", "ScaledWeights", "move_modulation"]


@dataclass(frozen=True, slots=True)
class ScaledWeights:
    """Weights of a convolution as a constant and what scales it.

    Attributes:
        weights: name of the constant, (out, in, k, k) but for axes of length 1 in front.
        inward: factors (…, in, 1, 1) that are multiplied, in order.
        outward: factors (…, out, 1, 1, 1), and whether the weights are divided by them.
    """

    weights: str
    inward: tuple[str, ...] = ()
    outward: tuple[tuple[str, bool], ...] = ()


def move_modulation(model: ModelProto) -> int:
    """Rewrite modulated convolutions with constant weights, in place.

    Returns:
        How many convolutions were rewritten.

    Raises:
        ModelError: the graph contradicts itself.
    """
    edit = GraphEdit(model)
    tracer = ModulatedWeights(model, edit, infer_shapes(model))
    count = lengths = 0
    for node in model.graph.node:
        scaled = tracer.convolution(node)
        if scaled is not None:
            _write(edit, node, scaled)
            count += 1
        elif (total := tracer.length(node)) is not None:
            _write_length(edit, node, total, tracer)
            lengths += 1
        else:
            edit.nodes.append(node)
    if count or lengths:
        edit.finish()
    return count


class ModulatedWeights:
    """Follows the weights of convolutions up to the constant that they are made of."""

    def __init__(self, model: ModelProto, edit: GraphEdit, shapes: Mapping[str, Shape]) -> None:
        self._edit = edit
        self.shapes = shapes
        self._makers = {name: node for node in model.graph.node for name in node.output}

    def convolution(self, node: NodeProto) -> ScaledWeights | None:
        """How the weights of a convolution are made; None for all others."""
        plain = node.op_type == "Conv" and not node.domain and len(node.input) < 3
        group = next((a.i for a in node.attribute if a.name == "group"), 1)
        if not plain or group != 1 or self._edit.is_constant(node.input[1]):
            return None
        scaled = self._trace(node.input[1])
        return scaled if scaled and (scaled.inward or scaled.outward) else None

    def length(self, node: NodeProto) -> ScaledWeights | None:
        """Of which weights a node sums the squares for each channel out; None for other nodes."""
        if node.op_type != "ReduceSum":
            return None
        axes: list[int] = next((list(a.ints) for a in node.attribute if a.name == "axes"), [])
        if not axes and len(node.input) > 1:
            values = self._edit.constant(node.input[1])
            axes = [] if values is None else values.tolist()
        rank = len(self.shapes.get(node.input[0], ()))
        keeps = next((a.i for a in node.attribute if a.name == "keepdims"), 1)
        square = self._makers.get(node.input[0])
        if square is None or rank < 4 or not self._squares(square):
            return None
        if sorted(axis % rank for axis in axes) != [rank - 3, rank - 2, rank - 1]:
            return None
        scaled = self._trace(square.input[0])
        if scaled is None or scaled.outward or len(scaled.inward) != 1:
            return None
        return scaled if keeps or rank == 5 else None

    def _squares(self, node: NodeProto) -> bool:
        if node.op_type == "Mul":
            return bool(node.input[0] == node.input[1])
        power = self._edit.constant(node.input[1]) if node.op_type == "Pow" else None
        return power is not None and power.reshape(-1).tolist() == [2]

    def _trace(self, name: str) -> ScaledWeights | None:
        shape = self.shapes.get(name, ())
        if len(shape) < 4 or None in shape or any(side != 1 for side in shape[:-4]):
            return None
        if self._edit.is_constant(name):
            return ScaledWeights(name)
        node = self._makers.get(name)
        if node is None or node.op_type not in ("Mul", "Div", "Reshape"):
            return None
        inner = self._trace(node.input[0])
        if node.op_type == "Reshape":
            same = inner is not None and self.shapes[node.input[0]][-4:] == shape[-4:]
            return inner if same else None
        factor = node.input[1]
        if inner is None and node.op_type == "Mul":
            inner, factor = self._trace(node.input[1]), node.input[0]
        return None if inner is None else self._scale(inner, factor, shape, node.op_type == "Div")

    def _scale(
        self, inner: ScaledWeights, factor: str, shape: Shape, divided: bool
    ) -> ScaledWeights | None:
        sides = self.shapes.get(factor)
        if sides is None or None in sides:
            return None
        sides = (1,) * (4 - len(sides)) + sides
        if any(side != 1 for side in sides[:-4]):
            return None
        out, inward = shape[-4], shape[-3]
        if sides[-4:] == (1, inward, 1, 1) and not divided:
            return replace(inner, inward=(*inner.inward, factor))
        if sides[-4:] in ((out, 1, 1, 1), (1, 1, 1, 1)):
            return replace(inner, outward=(*inner.outward, (factor, divided)))
        return None


def _write(edit: GraphEdit, node: NodeProto, scaled: ScaledWeights) -> None:
    """``conv(x * s, W) / d``."""
    x = node.input[0]
    for factor in scaled.inward:
        x = edit.node("Mul", x, edit.reshape(factor, 1, -1, 1, 1))
    weights = scaled.weights
    if len(edit.constant_shape(weights) or ()) > 4:
        values = np.asarray(edit.constant(weights))
        weights = edit.weight(values.reshape(values.shape[-4:]), f"{weights}.plain")
    attributes = [attribute for attribute in node.attribute if attribute.name != "kernel_shape"]
    steps = [*scaled.outward]
    result = edit.name(f"{node.output[0]}.plain") if steps else node.output[0]
    edit.named("Conv", result, x, weights)
    edit.nodes[-1].attribute.extend(attributes)
    for number, (factor, divided) in enumerate(steps, 1):
        spread = edit.reshape(factor, 1, -1, 1, 1)
        last = number == len(steps)
        name = node.output[0] if last else edit.name(f"{node.output[0]}.scaled")
        result = edit.named("Div" if divided else "Mul", name, result, spread)


def _write_length(
    edit: GraphEdit, node: NodeProto, scaled: ScaledWeights, tracer: ModulatedWeights
) -> None:
    """``sum_k (W s)**2`` for each channel out, as a product of ``s**2`` (1, in)."""
    values = np.asarray(edit.constant(scaled.weights), np.float64)
    squares = np.square(values.reshape(values.shape[-4:])).sum(axis=(2, 3))
    style = edit.reshape(scaled.inward[0], 1, -1)
    squared = edit.node("Mul", style, style)
    total = edit.node("MatMul", squared, edit.floats(squares.T, "squares"))
    sides = [side or 1 for side in tracer.shapes[node.output[0]]]
    edit.named("Reshape", node.output[0], total, edit.integers(sides))
