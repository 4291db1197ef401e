"""Nodes that do with channels last what they did with channels first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from masquerade.runtime.graph_edit import GraphEdit
    from masquerade.runtime.graph_shapes import Shape

__all__ = ["add_channels_last", "can_turn", "turned_inputs"]

_BY_VALUE = frozenset(
    (
        "Abs", "Add", "Cast", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid",
        "HardSwish", "Identity", "LeakyRelu", "Max", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow",
        "Reciprocal", "Relu", "Sigmoid", "Softplus", "Sqrt", "Sub", "Tanh", "ThresholdedRelu",
    )
)  # fmt: skip
_REDUCED = frozenset(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "ReduceSumSquare"))
_MOVED = {0: 0, 1: 3, 2: 1, 3: 2}
"""Where each axis of channels first lies with channels last."""


def turned_inputs(node: NodeProto, shapes: Mapping[str, Shape]) -> set[str]:
    """Inputs that the node wants turned: those with four axes that are computed."""
    if node.op_type in _BY_VALUE or node.op_type == "Concat":
        return {x for x in node.input if len(shapes.get(x, ())) == 4}
    return {node.input[0]}


def can_turn(node: NodeProto, edit: GraphEdit, shapes: Mapping[str, Shape]) -> bool:
    """Whether :func:`add_channels_last` knows the node, and its results have four axes."""
    if node.domain or any(len(shapes.get(name, ())) != 4 for name in node.output):
        return False
    if node.op_type in _BY_VALUE:
        return all(_fits(x, edit, shapes) for x in node.input)
    if not node.input or len(shapes.get(node.input[0], ())) != 4 or edit.is_constant(node.input[0]):
        return False
    known = _WRITERS.get(node.op_type)
    return known is not None and known[0](node, edit, shapes)


def add_channels_last(
    edit: GraphEdit, node: NodeProto, inputs: list[str], shapes: Mapping[str, Shape]
) -> list[str]:
    """Add the nodes that replace one.

    Args:
        edit: takes them.
        node: one for which :func:`can_turn` is true.
        inputs: names of its inputs, those of :func:`turned_inputs` with channels last.
        shapes: of the old graph's tensors.

    Returns:
        Names of the results, channels last.
    """
    if node.op_type in _BY_VALUE:
        return [_copy(edit, node, [_as_last(edit, x) for x in inputs])[0]]
    return _WRITERS[node.op_type][1](edit, node, inputs, shapes)


def _fits(x: str, edit: GraphEdit, shapes: Mapping[str, Shape]) -> bool:
    """Whether an operand can be turned: four axes, a weight, one value, or none."""
    shape = shapes.get(x)
    if not x or edit.is_constant(x):
        return not x or len(edit.constant_shape(x) or ()) <= 4
    return shape is not None and (len(shape) == 4 or shape in ((), (1,)))


def _as_last(edit: GraphEdit, x: str) -> str:
    """A weight that is spread over the values, turned; anything else as it is."""
    values = edit.constant(x) if x else None
    if values is None or values.size == 1:
        return x
    four = values.reshape((1,) * (4 - values.ndim) + values.shape)
    return edit.weight(np.ascontiguousarray(four.transpose(0, 2, 3, 1)), f"{x}.last")


def _copy(edit: GraphEdit, node: NodeProto, inputs: list[str], **changed: Any) -> list[str]:
    """The node with other inputs, other names of its results, and changed attributes."""
    copy = NodeProto.FromString(node.SerializeToString())
    results = [edit.name(f"{name}.last") for name in node.output]
    copy.input[:], copy.output[:] = inputs, results
    copy.name = f"{node.name}.last" if node.name else ""
    for attribute in [a for a in copy.attribute if a.name in changed]:
        copy.attribute.remove(attribute)
    copy.attribute.extend(helper.make_attribute(k, v) for k, v in changed.items())
    edit.nodes.append(copy)
    return results


def _attribute(node: NodeProto, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return helper.get_attribute_value(attribute)
    return default


# --- nodes with an axis -------------------------------------------------------------------------


def _turns_axis(node: NodeProto, _: GraphEdit, shapes: Mapping[str, Shape]) -> bool:
    return (
        all(len(shapes.get(x, ())) == 4 for x in node.input) if node.op_type == "Concat" else True
    )


def _add_axis(
    edit: GraphEdit, node: NodeProto, inputs: list[str], _: Mapping[str, Shape]
) -> list[str]:
    axis = _attribute(node, "axis", 0) % 4
    if node.op_type == "Concat":
        inputs = [_as_last(edit, x) for x in inputs]
    return _copy(edit, node, inputs, axis=_MOVED[axis])


# --- means and other reductions -----------------------------------------------------------------


def _axes(node: NodeProto, edit: GraphEdit) -> list[int] | None:
    """Axes of a reduction, from 0; None when they are not known."""
    given: Any = _attribute(node, "axes", None)
    if given is None and len(node.input) > 1 and node.input[1]:
        values = edit.constant(node.input[1])
        given = None if values is None else values.tolist()
    return None if given is None else sorted(int(axis) % 4 for axis in given)


def _turns_reduction(node: NodeProto, edit: GraphEdit, _: Mapping[str, Shape]) -> bool:
    return bool(_axes(node, edit)) and _attribute(node, "keepdims", 1) == 1


def _add_reduction(
    edit: GraphEdit, node: NodeProto, inputs: list[str], shapes: Mapping[str, Shape]
) -> list[str]:
    axes = _axes(node, edit)
    if node.op_type == "ReduceMean" and axes == [2, 3]:
        return [_mean(edit, inputs[0], shapes[node.input[0]])]
    turned = sorted(_MOVED[axis] for axis in axes or ())
    if len(node.input) > 1:
        return _copy(edit, node, [inputs[0], edit.integers(turned)])
    return _copy(edit, node, inputs, axes=turned)


def _mean(edit: GraphEdit, x: str, shape: Shape) -> str:
    """The mean of each channel, (N, 1, 1, C).

    A product with a row of equal weights where the size is known: ONNX Runtime's own reduction of
    the middle axes takes eight times as long.
    """
    _, _, height, width = shape
    if height and width:
        flat = edit.node("Reshape", x, edit.integers([0, height * width, -1]))
        row = np.full((1, height * width), 1 / (height * width))
        return edit.reshape(edit.node("MatMul", edit.floats(row, "mean"), flat), 0, 1, 1, -1)
    if edit.opset >= 18:
        return edit.node("ReduceMean", x, edit.integers([1, 2]), keepdims=1)
    return edit.node("ReduceMean", x, axes=[1, 2], keepdims=1)


def _add_global_mean(
    edit: GraphEdit, node: NodeProto, inputs: list[str], shapes: Mapping[str, Shape]
) -> list[str]:
    return [_mean(edit, inputs[0], shapes[node.input[0]])]


# --- normalisations -----------------------------------------------------------------------------


def _turns_normalisation(node: NodeProto, edit: GraphEdit, _: Mapping[str, Shape]) -> bool:
    return all(
        edit.is_constant(x) and edit.constant_type(x) == TensorProto.FLOAT for x in node.input[1:]
    ) and not _attribute(node, "training_mode", 0)


def _add_instance_normalisation(
    edit: GraphEdit, node: NodeProto, inputs: list[str], shapes: Mapping[str, Shape]
) -> list[str]:
    """``(x - mean) / sqrt(variance + epsilon) * scale + shift``, as the operator is defined."""
    x, shape = inputs[0], shapes[node.input[0]]
    centred = edit.node("Sub", x, _mean(edit, x, shape))
    variance = _mean(edit, edit.node("Mul", centred, centred), shape)
    epsilon = edit.floats(_attribute(node, "epsilon", 1e-5), "epsilon")
    deviation = edit.node("Sqrt", edit.node("Add", variance, epsilon))
    factor = edit.node("Div", node.input[1], deviation)
    return [edit.node("Add", edit.node("Mul", centred, factor), node.input[2])]


def _turns_batch_normalisation(node: NodeProto, edit: GraphEdit, s: Mapping[str, Shape]) -> bool:
    return len(node.output) == 1 and _turns_normalisation(node, edit, s)


def _add_batch_normalisation(
    edit: GraphEdit, node: NodeProto, inputs: list[str], _: Mapping[str, Shape]
) -> list[str]:
    scale, shift, mean, variance = (
        np.asarray(edit.constant(x), np.float64) for x in node.input[1:5]
    )
    factor = scale / np.sqrt(variance + _attribute(node, "epsilon", 1e-5))
    scaled = edit.node("Mul", inputs[0], edit.floats(factor))
    return [edit.node("Add", scaled, edit.floats(shift - mean * factor))]


# --- convolutions of 1x1, pads and resizing -----------------------------------------------------


def _turns_pointwise(node: NodeProto, edit: GraphEdit, _: Mapping[str, Shape]) -> bool:
    """A convolution that looks at one place: a matrix product of the channels."""
    shape = edit.constant_shape(node.input[1])
    floats = all(edit.constant_type(x) == TensorProto.FLOAT for x in node.input[1:] if x)
    steps = [*_attribute(node, "strides", ()), _attribute(node, "group", 1)]
    pads = [*_attribute(node, "pads", ())]
    automatic = _attribute(node, "auto_pad", b"NOTSET")
    return (
        shape is not None
        and shape[2:] == (1, 1)
        and floats
        and all(step == 1 for step in steps)
        and not any(pads)
        and automatic in (b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER")
    )


def _add_pointwise(
    edit: GraphEdit, node: NodeProto, inputs: list[str], _: Mapping[str, Shape]
) -> list[str]:
    weights = np.asarray(edit.constant(node.input[1]))[:, :, 0, 0].T
    result = edit.node("MatMul", inputs[0], edit.floats(weights))
    if len(node.input) > 2 and node.input[2]:
        result = edit.node("Add", result, node.input[2])
    return [result]


def _turns_pad(node: NodeProto, edit: GraphEdit, _: Mapping[str, Shape]) -> bool:
    pads = edit.constant(node.input[1]) if len(node.input) > 1 else None
    return pads is not None and pads.size == 8 and len(node.input) <= 3


def _add_pad(
    edit: GraphEdit, node: NodeProto, inputs: list[str], _: Mapping[str, Shape]
) -> list[str]:
    pads = np.asarray(edit.constant(node.input[1])).reshape(2, 4)[:, [0, 2, 3, 1]]
    return _copy(edit, node, [inputs[0], edit.integers(pads.reshape(-1)), *inputs[2:]])


def _turns_resize(node: NodeProto, edit: GraphEdit, _: Mapping[str, Shape]) -> bool:
    plain = _attribute(node, "axes", None) is None and _attribute(node, "antialias", 0) == 0
    plain &= _attribute(node, "mode", b"nearest") in (b"nearest", b"linear")
    plain &= _attribute(node, "coordinate_transformation_mode", b"") != b"tf_crop_and_resize"
    return plain and all(edit.is_constant(x) for x in node.input[1:] if x)


def _add_resize(
    edit: GraphEdit, node: NodeProto, inputs: list[str], _: Mapping[str, Shape]
) -> list[str]:
    turned = [inputs[0]]
    for x in inputs[1:]:
        values = edit.constant(x) if x else None
        if values is not None and values.size == 4:
            x = edit.weight(values[[0, 2, 3, 1]], "scales")
        turned.append(x)
    return _copy(edit, node, turned)


_Test = Callable[[NodeProto, "GraphEdit", "Mapping[str, Shape]"], bool]
_Add = Callable[["GraphEdit", NodeProto, list[str], "Mapping[str, Shape]"], list[str]]
_WRITERS: dict[str, tuple[_Test, _Add]] = {
    "Concat": (_turns_axis, _add_axis),
    "Split": (_turns_axis, _add_axis),
    **dict.fromkeys(_REDUCED, (_turns_reduction, _add_reduction)),
    "GlobalAveragePool": (lambda _node, _edit, _shapes: True, _add_global_mean),
    "InstanceNormalization": (_turns_normalisation, _add_instance_normalisation),
    "BatchNormalization": (_turns_batch_normalisation, _add_batch_normalisation),
    "Conv": (_turns_pointwise, _add_pointwise),
    "Pad": (_turns_pad, _add_pad),
    "Resize": (_turns_resize, _add_resize),
}
