"""How many multiplications with an addition each node of a graph costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

    from masquerade.runtime.graph_shapes import Shape

__all__ = ["HEAVY", "multiply_adds"]

_CONVOLUTIONS = ("Conv", "FusedConv", "NhwcConv", "ConvInteger", "QLinearConv", "ConvTranspose")
_PRODUCTS = ("Gemm", "FusedGemm", "MatMul", "FusedMatMul", "MatMulInteger", "QLinearMatMul")

HEAVY: tuple[str, ...] = (*_CONVOLUTIONS, *_PRODUCTS, "Einsum")
"""Operators whose cost is counted; all others are a pass over their data at most."""


def multiply_adds(node: NodeProto, shapes: Mapping[str, Shape]) -> int | None:
    """Multiply-adds of one node: the usual "MACs", half of what is often called FLOPs.

    Args:
        node: any; those not in :data:`HEAVY` cost 0.
        shapes: of the graph's tensors, see :func:`masquerade.runtime.graph_shapes.infer_shapes`.

    Returns:
        None when a shape that counts is not known.
    """
    if node.op_type not in HEAVY:
        return 0
    known = [shapes.get(name) for name in (*node.input, *node.output)]
    first, last = known[0], known[len(node.input)]
    if first is None or last is None:
        return None
    if node.op_type in _CONVOLUTIONS:
        weight = known[3] if node.op_type == "QLinearConv" else known[1]
        # Each weight of a filter meets each place of the output (of the input when transposed).
        places = first if node.op_type == "ConvTranspose" else last
        return None if weight is None else _product((places[0], *places[2:], *weight))
    if node.op_type in _PRODUCTS:
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return _product((*last, first[-2] if transposed else first[-1]))
    return _einsum(node, known[: len(node.input)])


def _einsum(node: NodeProto, operands: list[Shape | None]) -> int | None:
    """The product of all its indices: the cost of the plain loops."""
    equation = next(a.s for a in node.attribute if a.name == "equation").decode("utf-8", "replace")
    sides: dict[str, int | None] = {}
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if "." in equation or len(terms) != len(operands):
        return None
    for term, shape in zip(terms, operands, strict=True):
        if shape is None or len(shape) != len(term):
            return None
        sides.update(zip(term, shape, strict=True))
    return _product(tuple(sides.values()))


def _product(sides: tuple[int | None, ...]) -> int | None:
    known = [side for side in sides if side is not None]
    return math.prod(known) if len(known) == len(sides) else None
