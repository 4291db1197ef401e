"""Networks of mixed precision turned into float32: processors compute in nothing else quickly.

ONNX Runtime's CPU kernels have no float16: it would put a cast before and after every node, and
cast the weights again in each run. Inputs of float64, such as CodeFormer's weight, are taken by
few devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.runtime.tensors import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto

__all__ = ["to_single"]

_TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "stash_type")


def to_single(model: ModelProto, *, half: bool) -> int:
    """Turn float64, and float16 and bfloat16 if ``half``, into float32 everywhere, in place.

    Inputs and outputs become float32 too. Values are kept exactly, save those of float64.

    Returns:
        How many weights, ports and casts were turned; 0 when the model was float32 already.
    """
    from onnx import TensorProto as Tensor

    kinds = {Tensor.DOUBLE, *((Tensor.FLOAT16, Tensor.BFLOAT16) if half else ())}
    return sum(_turn_graph(graph, kinds) for graph in _graphs(model.graph))


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for child in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                yield from _graphs(child)


def _turn_graph(graph: GraphProto, kinds: set[int]) -> int:
    from onnx import TensorProto as Tensor

    turned = sum(_turn_tensor(tensor, kinds) for tensor in graph.initializer)
    turned += sum(_turn_port(port, kinds) for port in [*graph.input, *graph.output])
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                turned += _turn_tensor(attribute.t, kinds)
            if attribute.name in _TYPE_ATTRIBUTES and attribute.i in kinds:
                attribute.i = Tensor.FLOAT
                turned += 1
    if turned:
        del graph.value_info[:]
    return turned


def _turn_port(port: ValueInfoProto, kinds: set[int]) -> int:
    from onnx import TensorProto as Tensor

    if port.type.tensor_type.elem_type not in kinds:
        return 0
    port.type.tensor_type.elem_type = Tensor.FLOAT
    return 1


def _turn_tensor(tensor: TensorProto, kinds: set[int]) -> int:
    from onnx import numpy_helper

    if tensor.data_type not in kinds:
        return 0
    values = values_of(tensor).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return 1
