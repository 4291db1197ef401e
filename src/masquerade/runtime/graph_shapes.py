"""Shapes of everything that a graph computes, found without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from masquerade.core.errors import ModelError
from masquerade.runtime.tensors import declared_bytes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

__all__ = ["Shape", "infer_shapes", "port_shape", "skeleton"]

Shape = tuple[int | None, ...]
"""Sides of a tensor; None where the length is not known."""

_SMALL_BYTES = 4096
"""Weights up to this size stay in the skeleton: shapes may be computed from them."""


def infer_shapes(model: ModelProto, given: Mapping[str, Shape] | None = None) -> dict[str, Shape]:
    """The shape of every tensor of the main graph whose rank can be found.

    Args:
        model: checked by :func:`masquerade.runtime.onnx_file.read_model`; it is not changed.
        given: shapes of inputs, instead of those that the file states.

    Raises:
        ModelError: the graph contradicts itself.
    """
    from onnx import checker, shape_inference

    bare = skeleton(model)
    for port in bare.graph.output:
        # What a file states for its outputs may be true for other inputs only.
        port.type.tensor_type.ClearField("shape")
    for port in bare.graph.input:
        if given and port.name in given:
            _state(port, given[port.name])
    try:
        inferred = shape_inference.infer_shapes(bare, data_prop=True)
    except (shape_inference.InferenceError, checker.ValidationError, RuntimeError, ValueError) as e:
        reason = str(e).strip().splitlines()[0][:200] if str(e).strip() else "no reason given"
        raise ModelError(
            f"The graph of the model contradicts itself ({reason}). Pull or export it again."
        ) from e
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    graph: GraphProto = inferred.graph
    for info in [*graph.value_info, *graph.output, *graph.input]:
        shape = port_shape(info)
        if shape is not None and info.name not in shapes:
            shapes[info.name] = shape
    for port in [] if given else model.graph.output:
        stated = port_shape(port)
        if stated is not None:
            shapes.setdefault(port.name, stated)
    return shapes


def port_shape(info: ValueInfoProto) -> Shape | None:
    """The shape that an input, an output or an intermediate result states; None without one."""
    if not info.type.tensor_type.HasField("shape"):
        return None
    sides = info.type.tensor_type.shape.dim
    lengths = [side.dim_value if side.HasField("dim_value") else -1 for side in sides]
    return tuple(length if length >= 0 else None for length in lengths)


def skeleton(model: ModelProto) -> ModelProto:
    """The graph without its heavy weights, which become inputs: small enough to copy freely."""
    from onnx import ModelProto as Model
    from onnx import helper

    bare = Model(ir_version=model.ir_version)
    bare.opset_import.extend(model.opset_import)
    graph = model.graph
    bare.graph.name = graph.name or "graph"
    bare.graph.node.extend(graph.node)
    bare.graph.input.extend(graph.input)
    bare.graph.output.extend(graph.output)
    stated = {port.name for port in graph.input}
    for tensor in graph.initializer:
        if (declared_bytes(tensor) or 0) <= _SMALL_BYTES:
            bare.graph.initializer.append(tensor)
        elif tensor.name not in stated:
            info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            bare.graph.input.append(info)
    return bare


def _state(port: ValueInfoProto, shape: Shape) -> None:
    sides = port.type.tensor_type.shape
    del sides.dim[:]
    for length in shape:
        side = sides.dim.add()
        if length is not None:
            side.dim_value = length
