"""Tensors inside ONNX files: how large they say they are, how large they are, their values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from onnx import ModelProto, TensorProto

__all__ = ["constants", "declared_bytes", "stored_bytes", "values_of"]

_BITS = {
    "FLOAT": 32, "UINT8": 8, "INT8": 8, "UINT16": 16, "INT16": 16, "INT32": 32, "INT64": 64,
    "BOOL": 8, "FLOAT16": 16, "DOUBLE": 64, "UINT32": 32, "UINT64": 64, "BFLOAT16": 16,
    "FLOAT8E4M3FN": 8, "FLOAT8E4M3FNUZ": 8, "FLOAT8E5M2": 8, "FLOAT8E5M2FNUZ": 8,
    "UINT4": 4, "INT4": 4,
}  # fmt: skip
_FIELDS = {
    "FLOAT": "float_data", "DOUBLE": "double_data", "INT64": "int64_data",
    "UINT64": "uint64_data", "UINT32": "uint64_data",
}  # fmt: skip


def declared_bytes(tensor: TensorProto) -> int | None:
    """Bytes that type and sides of a tensor ask for; None when the type is not one of numbers."""
    bits = _BITS.get(_kind(tensor))
    return None if bits is None else math.ceil(math.prod(tensor.dims) * bits / 8)


def stored_bytes(tensor: TensorProto) -> int:
    """Bytes of the values that really are in a tensor; -1 when they are in the wrong field."""
    kind = _kind(tensor)
    own = _FIELDS.get(kind, "int32_data")
    fields = {"float_data", "double_data", "int64_data", "uint64_data", "int32_data", "string_data"}
    if any(len(getattr(tensor, other)) for other in fields - {own}):
        return -1
    count = len(getattr(tensor, own))
    if tensor.HasField("raw_data") and tensor.raw_data:
        return -1 if count else len(tensor.raw_data)
    return math.ceil(count * max(8, _BITS.get(kind, 8)) / 8)


def values_of(tensor: TensorProto) -> NDArray[Any]:
    """The values of a tensor that has been checked; bfloat16 and float8 come as float32."""
    from onnx import numpy_helper

    values: NDArray[Any] = numpy_helper.to_array(tensor)
    if values.dtype.kind not in "biuf":
        values = values.astype(np.float32)
    return values


def constants(model: ModelProto) -> Iterator[tuple[str, TensorProto]]:
    """Every weight of the main graph by name: initialisers, then results of Constant nodes."""
    for tensor in model.graph.initializer:
        yield tensor.name, tensor
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            yield node.output[0], node.attribute[0].t


def _kind(tensor: TensorProto) -> str:
    from onnx import TensorProto as Tensor

    known = Tensor.DataType.values()
    return Tensor.DataType.Name(tensor.data_type) if tensor.data_type in known else ""
