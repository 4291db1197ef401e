"""Networks stored and computed in float16, their inputs and outputs left float32.

Half the memory and, on graphics processors, twice the speed or more. What float16 cannot hold
stays float32: sums and squares of normalisation, and whatever reads a number that float16 would
round to nothing (the 1e-8 of a variance) or to infinity.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.runtime.graph_shapes import skeleton
from masquerade.runtime.onnx_file import read_model
from masquerade.runtime.opset import spare_tensors
from masquerade.runtime.single_precision import to_single
from masquerade.runtime.tensors import values_of

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

__all__ = ["to_half", "write_half"]

_SINGLE_OPERATORS = frozenset(
    {
        "ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2", "ReduceProd", "GlobalAveragePool",
        "Sqrt", "Pow", "Exp", "Log", "Reciprocal", "Softmax", "LogSoftmax", "CumSum",
        "InstanceNormalization", "LayerNormalization", "GroupNormalization", "LpNormalization",
        "MeanVarianceNormalization", "QuantizeLinear", "DequantizeLinear", "Range",
        "RandomNormalLike", "RandomNormal", "Constant", "If", "Loop", "Scan",
    }
)  # fmt: skip
"""Operators that add up many numbers or are steep, and those that rule their own types."""

_SINGLE_INPUTS = {"Resize": (1, 2), "Upsample": (1,)}
"""Places of inputs that must be float32 whatever the first one is."""

_ANY_TYPE = frozenset({"Shape", "Size"})

_LEAST = float(np.finfo(np.float16).smallest_normal)
_MOST = float(np.finfo(np.float16).max)


def write_half(source: Path, target: Path) -> int:
    """Write a network's float16 variant; see :func:`to_half`.

    Raises:
        ModelError: the file is refused, or is in float16 already.
    """
    model = read_model(source)
    count = to_half(model)
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(model.SerializeToString())
    part.replace(target)
    return count


def to_half(model: ModelProto) -> int:
    """Turn weights and arithmetic of a network into float16, in place.

    Args:
        model: float32, of any opset; its inputs, outputs and unread initialisers stay as they are.

    Returns:
        How many nodes compute in float16.

    Raises:
        ModelError: its types contradict each other, or there is nothing to turn.
    """
    return _Halving(model).run()


class _Halving:
    """One network on its way: which of its tensors are floats, and casts that were made."""

    def __init__(self, model: ModelProto) -> None:
        from onnx import TensorProto

        self._half, self._single = TensorProto.FLOAT16, TensorProto.FLOAT
        self._model = model
        to_single(model, half=False)
        _gather_constants(model)
        self._floats = _float_tensors(model)
        self._weights = {t.name: t for t in model.graph.initializer if t.name in self._floats}
        self._outputs = {port.name for port in model.graph.output}
        self._spare = {tensor.name for tensor in spare_tensors(model)}
        self._is_half: dict[str, bool] = {}
        self._casts: dict[tuple[str, bool], str] = {}
        self._nodes: list[NodeProto] = []
        self._halved: dict[str, TensorProto] = {}

    def run(self) -> int:
        count = 0
        for node in list(self._model.graph.node):
            half = self._may_be_half(node)
            count += half
            for place, name in enumerate(node.input):
                single = not half or place in _SINGLE_INPUTS.get(node.op_type, ())
                if name in self._floats and node.op_type not in _ANY_TYPE:
                    node.input[place] = self._as(name, not single)
            self._set_type(node, half)
            self._nodes.append(node)
            for place, name in enumerate(node.output):
                if name not in self._floats:
                    continue
                self._is_half[name] = half
                if half and name in self._outputs:
                    node.output[place] = f"{name}/half"
                    self._is_half[name] = False
                    self._casts[name, True] = f"{name}/half"
                    self._nodes.append(self._cast(f"{name}/half", name, self._single))
        if not count:
            raise ModelError(
                "Nothing in this network gains from float16. Use it as it is, or make it int8."
            )
        self._finish()
        return count

    def _may_be_half(self, node: NodeProto) -> bool:
        """Whether a node gives floats and float16 holds all that it computes with."""
        if node.op_type in _SINGLE_OPERATORS or node.domain not in ("", "ai.onnx"):
            return False
        if node.op_type == "Mul" and node.input[0] == node.input[1]:
            return False  # squares: 256 squared is beyond float16
        if not any(name in self._floats for name in node.output):
            return False
        return all(self._fits(name) for name in node.input if name in self._weights)

    def _fits(self, name: str) -> bool:
        """Whether a weight is held by float16; of many numbers, tiny ones do not count."""
        values = np.abs(values_of(self._weights[name]))
        if not values.size:
            return True
        if values.size <= 8:
            values = values[values > 0]
            return bool(((values >= _LEAST) & (values <= _MOST)).all())
        return bool(values.max() <= _MOST)

    def _as(self, name: str, half: bool) -> str:
        """The name under which a float tensor is had in this type."""
        if name in self._weights:
            return self._weight(name) if half else name
        if self._is_half.get(name, False) == half:
            return name
        key = name, half
        if key not in self._casts:
            self._casts[key] = f"{name}/{'half' if half else 'single'}"
            kind = self._half if half else self._single
            self._nodes.append(self._cast(name, self._casts[key], kind))
        return self._casts[key]

    def _weight(self, name: str) -> str:
        from onnx import numpy_helper

        halved = f"{name}/half"
        if name not in self._halved:
            values = values_of(self._weights[name]).astype(np.float16)
            self._halved[name] = numpy_helper.from_array(values, halved)
        return halved

    def _cast(self, name: str, result: str, kind: int) -> NodeProto:
        from onnx import helper

        return helper.make_node("Cast", [name], [result], f"{result}/cast", to=kind)

    def _set_type(self, node: NodeProto, half: bool) -> None:
        """Nodes that say themselves what type they give."""
        from onnx import numpy_helper

        for attribute in node.attribute:
            if not half:
                continue
            if attribute.name in ("to", "dtype") and attribute.i == self._single:
                attribute.i = self._half
            if attribute.name == "value" and attribute.t.data_type == self._single:
                values = values_of(attribute.t).astype(np.float16)
                attribute.t.CopyFrom(numpy_helper.from_array(values, attribute.t.name))

    def _finish(self) -> None:
        graph = self._model.graph
        nodes = [type(node).FromString(node.SerializeToString()) for node in self._nodes]
        del graph.node[:], graph.value_info[:]
        graph.node.extend(nodes)
        graph.initializer.extend(self._halved.values())
        read = {name for node in graph.node for name in node.input} | self._spare | self._outputs
        for index in reversed(range(len(graph.initializer))):
            if graph.initializer[index].name not in read:
                del graph.initializer[index]
        # Whoever looks for the last initialiser, as of inswapper, is to find the same as before.
        spare = [tensor for tensor in graph.initializer if tensor.name in self._spare]
        kept = [tensor for tensor in graph.initializer if tensor.name not in self._spare]
        copies = [type(item).FromString(item.SerializeToString()) for item in (*kept, *spare)]
        del graph.initializer[:]
        graph.initializer.extend(copies)


def _gather_constants(model: ModelProto) -> None:
    """Turn Constant nodes into initialisers, whose values decide who may be float16."""
    graph = model.graph
    for index in reversed(range(len(graph.node))):
        node = graph.node[index]
        values = [item for item in node.attribute if item.name == "value"]
        if node.op_type == "Constant" and values:
            tensor = graph.initializer.add()
            tensor.CopyFrom(values[0].t)
            tensor.name = node.output[0]
            del graph.node[index]


def _float_tensors(model: ModelProto) -> set[str]:
    """Names of all float32 tensors of the main graph."""
    from onnx import TensorProto, checker, shape_inference

    bare = skeleton(model)
    try:
        inferred = shape_inference.infer_shapes(bare, data_prop=True)
    except (shape_inference.InferenceError, checker.ValidationError, RuntimeError) as error:
        raise ModelError(
            f"The types of the network contradict each other ({str(error)[:200]}). "
            "Pull or export it again."
        ) from error
    graph = inferred.graph
    infos = [*graph.value_info, *graph.input, *graph.output]
    names = {i.name for i in infos if i.type.tensor_type.elem_type == TensorProto.FLOAT}
    return names | {
        tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT
    }
