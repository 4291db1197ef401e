"""What an ONNX file is, told from its graph: size, cost, precision, parts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.runtime.graph_shapes import Shape, infer_shapes, port_shape
from masquerade.runtime.graph_stages import describe_stages
from masquerade.runtime.multiply_adds import multiply_adds
from masquerade.runtime.network import Port
from masquerade.runtime.onnx_file import read_model
from masquerade.runtime.tensors import constants, stored_bytes, values_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, TensorProto, ValueInfoProto

__all__ = ["GraphFacts", "facts_of", "find_initialiser", "graph_facts"]

_PRECISIONS = {
    "FLOAT": "fp32", "DOUBLE": "fp64", "FLOAT16": "fp16", "BFLOAT16": "bf16",
    "INT8": "int8", "UINT8": "int8", "INT4": "int4", "UINT4": "int4",
}  # fmt: skip
_WEIGHT_USERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What is known of a network without running it.

    Attributes:
        parameters: numbers in its weights; whole-number tables of shapes and axes do not count.
        multiply_adds: multiplications with an addition in convolutions and matrix products, for
            one picture; half of what is often called FLOPs. None when a size is left open.
        precision: fp32, fp16, bf16, int8, ...: the one that most bytes of the weights have.
        size_bytes: of the file.
        opset: version of the standard operators.
        producer: the program that wrote the file, as it calls itself.
        inputs: in the order of the file, without weights.
        outputs: in the order of the file.
        operators: how many nodes there are of each kind.
        stages: the graph's parts in words, in the order of computation.
    """

    parameters: int
    multiply_adds: int | None
    precision: str
    size_bytes: int
    opset: int
    producer: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    operators: Mapping[str, int]
    stages: tuple[str, ...]


def graph_facts(path: Path, shapes: Mapping[str, Shape] | None = None) -> GraphFacts:
    """Facts of an ONNX file.

    Args:
        path: of the file.
        shapes: of inputs whose sides the file leaves open, by name. A first side that is left
            open counts as 1: the batch.

    Raises:
        ModelError: the file is refused (see :func:`masquerade.runtime.onnx_file.read_model`).
    """
    return facts_of(read_model(path), path.stat().st_size, shapes)


def facts_of(
    model: ModelProto, size_bytes: int, shapes: Mapping[str, Shape] | None = None
) -> GraphFacts:
    """Facts of a network that was read already, see :func:`graph_facts`."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [port for port in model.graph.input if port.name not in weights]
    given = {port.name: _one_picture(port) for port in inputs}
    known = infer_shapes(model, {**given, **(shapes or {})})
    costs = [multiply_adds(node, known) for node in model.graph.node]
    counted = [cost for cost in costs if cost is not None]
    versions = {entry.domain: entry.version for entry in model.opset_import}
    return GraphFacts(
        parameters=sum(_numbers(tensor) for _, tensor in constants(model)),
        multiply_adds=sum(counted) if len(counted) == len(costs) else None,
        precision=_precision(model),
        size_bytes=size_bytes,
        opset=versions.get("", versions.get("ai.onnx", 1)),
        producer=f"{model.producer_name} {model.producer_version}".strip()[:80],
        inputs=tuple(_port(port) for port in inputs),
        outputs=tuple(_port(port) for port in model.graph.output),
        operators=Counter(node.op_type for node in model.graph.node),
        stages=describe_stages(model, known),
    )


def find_initialiser(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """The only weight of that shape, such as the embedding map (512, 512) of inswapper.

    Where several have it, the one that no convolution and no matrix product uses is meant: it is
    in the file for the program that runs the network.

    Returns:
        float32 of that shape; None when the file has none.

    Raises:
        ModelError: the file is refused, or several are equally plausible.
    """
    model = read_model(path)
    found = [t for _, t in constants(model) if tuple(t.dims) == shape and _numbers(t)]
    if len(found) > 1:
        used = {n for node in model.graph.node if node.op_type in _WEIGHT_USERS for n in node.input}
        found = [tensor for tensor in found if tensor.name not in used] or found
    if len(found) > 1:
        raise ModelError(
            f"{path.name} has {len(found)} weights of the shape {shape}, and nothing says which "
            "is meant. Use the file as it was published."
        )
    return values_of(found[0]).astype(np.float32) if found else None


def _one_picture(port: ValueInfoProto) -> Shape:
    shape = port_shape(port) or ()
    return tuple(1 if at == 0 and side is None else side for at, side in enumerate(shape))


def _kind(tensor: TensorProto) -> str:
    from onnx import TensorProto as Tensor

    return str(Tensor.DataType.Name(tensor.data_type))


def _numbers(tensor: TensorProto) -> int:
    """How many numbers a weight holds; 0 for tables of whole numbers, which steer shapes."""
    return math.prod(tensor.dims) if _kind(tensor) in _PRECISIONS else 0


def _precision(model: ModelProto) -> str:
    sizes: Counter[str] = Counter()
    for _, tensor in constants(model):
        if _numbers(tensor):
            sizes[_PRECISIONS[_kind(tensor)]] += stored_bytes(tensor)
    return sizes.most_common(1)[0][0] if sizes else "fp32"


def _port(info: ValueInfoProto) -> Port:
    from onnx import helper

    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The input or output {info.name!r} of the model is of no known type. Pull it again."
        ) from error
    # A side of length 0 is how some exporters write one that is left open.
    return Port(info.name, tuple(side or None for side in port_shape(info) or ()), dtype)
