"""An ONNX graph that is written line by line, with random weights of fixed seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


__all__ = ["Draft"]

_IR_VERSION = 8


class Draft:
    """A graph in the making. Every method adds nodes and returns the name of their result.

    Args:
        name: of the graph; the weights' seed is made of it.
        opset: of the ONNX operators; published files are mostly of opset 11.
        filled: False leaves the weights without data: enough to infer shapes and to count.
    """

    def __init__(self, name: str, *, opset: int = 11, filled: bool = True) -> None:
        self._name, self._opset, self._filled = name, opset, filled
        self._random = np.random.default_rng(list(name.encode()))
        self._nodes: list[Any] = []
        self._tensors: list[TensorProto] = []

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add one node; the result's name, or their list where ``outputs`` is above 1."""
        name = f"{operator.lower()}_{len(self._nodes)}"
        results = [name] if outputs == 1 else [f"{name}.{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, results, name=name, **attributes))
        return name if outputs == 1 else results

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add an initialiser that holds these values."""
        name = f"constant_{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def weight(self, shape: Sequence[int], scale: float, mean: float = 0.0, name: str = "") -> str:
        """Add a float32 initialiser of normal random numbers, ``scale`` their deviation."""
        name = name or f"weight_{len(self._tensors)}"
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        if self._filled:
            values = self._random.standard_normal(tuple(shape), np.float32)
            values *= np.float32(scale)
            values += np.float32(mean)
            tensor.raw_data = values.tobytes()
        self._tensors.append(tensor)
        return name

    def convolution(
        self,
        x: str,
        shape: tuple[int, int, int],
        *,
        stride: int = 1,
        reflect: bool = False,
        gain: float = 1.0,
        bias: bool = True,
    ) -> str:
        """A convolution that keeps the size (over ``stride``).

        Args:
            x: what is convolved, (N, channels in, H, W).
            shape: channels in, channels out, side of the kernel.
            stride: of the kernel.
            reflect: pad by a mirror in a node of its own, as the swappers do, not by zeros.
            gain: deviation of the result for an ``x`` whose mean square is 1.
            bias: whether there is one.
        """
        before, after, side = shape
        scale = gain / np.sqrt(before * side * side)
        inputs = [x, self.weight((after, before, side, side), scale)]
        if bias:
            inputs.append(self.weight((after,), 0.02))
        edge = side // 2
        if reflect and edge:
            pads = self.constant([0, 0, edge, edge] * 2, np.int64)
            inputs[0] = self.node("Pad", x, pads, mode="reflect")
            edge = 0
        return str(
            self.node(
                "Conv",
                *inputs,
                kernel_shape=[side, side],
                strides=[stride, stride],
                pads=[edge] * 4,
            )
        )

    def dense(self, x: str, before: int, after: int, gain: float = 1.0, mean: float = 0.0) -> str:
        """A fully connected layer: Gemm with transposed weights; ``mean`` is that of its bias."""
        weights = self.weight((after, before), gain / np.sqrt(before))
        return str(self.node("Gemm", x, weights, self.weight((after,), 0.02, mean), transB=1))

    def resized(self, x: str, factor: float) -> str:
        """Bilinear resizing by ``factor``, pixel centres kept (align_corners is false)."""
        roi = self.constant(np.empty(0))
        scales = self.constant([1, 1, factor, factor])
        mode = "half_pixel"
        return str(
            self.node("Resize", x, roi, scales, mode="linear", coordinate_transformation_mode=mode)
        )

    def model(
        self, inputs: Mapping[str, Sequence[int]], outputs: Mapping[str, tuple[str, Sequence[int]]]
    ) -> ModelProto:
        """The finished model, all float32.

        Args:
            inputs: shapes by name.
            outputs: by name, the result that is renamed to it, and its shape.
        """
        names = {result: name for name, (result, _) in outputs.items()}
        for node in self._nodes:
            node.output[:] = [names.get(result, result) for result in node.output]
            node.input[:] = [names.get(result, result) for result in node.input]
        shapes = {name: shape for name, (_, shape) in outputs.items()}
        graph = helper.make_graph(
            self._nodes, self._name, _ports(inputs), _ports(shapes), initializer=self._tensors
        )
        opsets = [helper.make_opsetid("", self._opset)]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="masquerade"
        )


def _ports(shapes: Mapping[str, Sequence[int]]) -> list[Any]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
        for name, shape in shapes.items()
    ]
