"""The first axis of a network opened, so that it takes several faces at once.

Files are mostly exported for one picture. Where every step treats the pictures of a batch apart,
the fixed 1 is only a habit of the exporter. Whether it is so is found by following the batch
through the graph: each result must either not depend on the pictures, or grow with their
number, along its first axis and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.runtime.graph_shapes import infer_shapes, port_shape
from masquerade.runtime.tensors import constants, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto, NodeProto, ValueInfoProto

    from masquerade.runtime.graph_shapes import Shape

__all__ = ["free_batch"]

_FIRST_OPERAND = frozenset(
    (
        "BatchNormalization", "Conv", "ConvTranspose", "DequantizeLinear", "Expand", "Gemm",
        "InstanceNormalization", "PRelu", "Pad", "QuantizeLinear", "Reshape", "Resize", "Slice",
        "Squeeze", "Tile", "Unsqueeze", "Upsample",
    )
)  # fmt: skip
"""Only their first operand may depend on the pictures: the others are weights, shared by all."""

_APART = frozenset(
    (
        "Abs", "Add", "And", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Conv",
        "ConvTranspose", "Cos", "DepthToSpace", "DequantizeLinear", "Div", "Dropout", "Elu",
        "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gelu", "Gemm", "GlobalAveragePool",
        "GlobalMaxPool", "Greater", "HardSigmoid", "HardSwish", "Identity",
        "InstanceNormalization", "LeakyRelu", "Less", "Log", "LpPool", "MatMul", "Max", "MaxPool",
        "Min", "Mish", "Mul", "Neg", "Not", "Or", "PRelu", "Pad", "Pow", "QuantizeLinear",
        "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum",
        "ReduceSumSquare", "Relu", "Reshape", "Resize", "Round", "Selu", "Sigmoid", "Sign", "Sin",
        "Slice", "Softplus", "Softsign", "SpaceToDepth", "Sqrt", "Squeeze", "Sub", "Tanh",
        "ThresholdedRelu", "Tile", "Transpose", "Unsqueeze", "Upsample", "Where",
    )
)  # fmt: skip
"""Nodes that treat the pictures apart wherever their results have one first axis for all."""

_ALONG_AXIS = {
    "Concat": 0, "Split": 0, "Gather": 0, "LayerNormalization": -1, "LpNormalization": -1,
    "Softmax": -1, "LogSoftmax": -1,
}  # fmt: skip
"""Nodes that work along one axis, which must not be the first, and its default."""

_MANY = 7919
"""Pictures of the trial: a prime that no other side of a network has."""


def free_batch(model: ModelProto) -> bool:
    """Open the first axis of every input and output, in place, if the graph permits.

    Returns:
        Whether it was done; if not, the model is as it was.

    Raises:
        ModelError: the graph contradicts itself before anything was changed.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    ports = [port for port in model.graph.input if port.name not in weights]
    given = {port.name: port_shape(port) or () for port in ports}
    if not all(shape and shape[0] == 1 for shape in given.values()):
        return False
    once = infer_shapes(model, given)
    changes = _reshapes(model, once, set(given))
    old = _replace(model, changes)
    many = _shapes_of_many(model, given)
    if many is None or not _apart(model, set(given), once, many):
        _replace(model, old)
        return False
    for port in [*ports, *model.graph.output]:
        _open(port)
    del model.graph.value_info[:]
    return True


def _shapes_of_many(model: ModelProto, given: Mapping[str, Shape]) -> dict[str, Shape] | None:
    """Shapes for many pictures; None when the graph has none."""
    try:
        return infer_shapes(model, {name: (_MANY, *shape[1:]) for name, shape in given.items()})
    except ModelError:
        return None


def _apart(
    model: ModelProto, pictures: set[str], once: Mapping[str, Shape], many: Mapping[str, Shape]
) -> bool:
    """Whether every node treats the pictures apart, and every output belongs to them."""
    batched = set(pictures)
    for node in model.graph.node:
        reads = [name for name in node.input if name in batched]
        if not reads:
            continue
        if not _allowed(node, batched, once):
            return False
        for name in node.output:
            if name and not _grows(once.get(name), many.get(name)):
                return False
        batched.update(node.output)
    return all(port.name in batched for port in model.graph.output)


def _grows(one: Shape | None, many: Shape | None) -> bool:
    """Whether a result has one first axis for all pictures, and is fixed otherwise."""
    if not one or not many or None in one or one[0] is None:
        return False
    return many == (_MANY * one[0], *one[1:])


def _allowed(node: NodeProto, batched: set[str], shapes: Mapping[str, Shape]) -> bool:
    from onnx import helper

    if node.domain:
        return False
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    others = batched.intersection(node.input[1:])
    if node.op_type in _ALONG_AXIS:
        rank = len(shapes.get(node.input[0], ()))
        axis = values.get("axis", _ALONG_AXIS[node.op_type])
        return rank > 0 and axis % rank != 0 and (node.op_type == "Concat" or not others)
    if node.op_type not in _APART or values.get("training_mode") or values.get("transA"):
        return False
    if node.op_type in _FIRST_OPERAND:
        return not others
    if node.op_type == "MatMul":
        # A second operand of two axes is one matrix for all rows of the first.
        return not others or len(shapes.get(node.input[1], ())) > 2
    return node.op_type != "Transpose" or bool(values.get("perm", [1])[0] == 0)


def _reshapes(
    model: ModelProto, shapes: Mapping[str, Shape], pictures: set[str]
) -> dict[str, np.ndarray]:
    """New targets of reshapes that say 1 for the batch: 0, which takes whatever came in."""
    from onnx import helper

    tables = dict(constants(model))
    found: dict[str, np.ndarray] = {}
    kept = set()
    for node in model.graph.node:
        target = node.input[1] if node.op_type == "Reshape" else ""
        for name in node.input:
            if name in tables and name != target:
                kept.add(name)
        if target not in tables:
            continue
        values = values_of(tables[target])
        source = shapes.get(node.input[0], ())
        zero = any(a.name == "allowzero" and helper.get_attribute_value(a) for a in node.attribute)
        if values.size and values[0] == 1 and source[:1] == (1,) and not zero:
            found[target] = np.array([0, *values[1:]], np.int64)
        else:
            kept.add(target)
    return {name: values for name, values in found.items() if name not in kept | pictures}


def _replace(model: ModelProto, changes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give weights new values; the old ones."""
    from onnx import numpy_helper

    old = {}
    for name, tensor in constants(model):
        if name in changes:
            old[name] = values_of(tensor)
            own = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(changes[name], own))
    return old


def _open(port: ValueInfoProto) -> None:
    sides = port.type.tensor_type.shape.dim
    if sides:
        sides[0].Clear()
        sides[0].dim_param = "batch"
