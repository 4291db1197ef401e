"""Convolutions of a network rewritten to compute in eight bits.

Every chosen convolution gets QuantizeLinear and DequantizeLinear pairs around it ("QDQ"): the form
that ONNX Runtime, OpenVINO and TensorRT all read and replace by integer kernels. Activations are
uint8 with a zero point, weights int8 by output channel, biases int32. Source of the formulas:
the ONNX specification of QuantizeLinear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.runtime.tensors import values_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

__all__ = ["IntegerGraph", "int8_weights", "uint8_scale"]

_LARGEST_BIAS = 2.0**30
_SLOPES = ("LeakyRelu",)
_MOVES = ("Pad", "Resize", "Upsample", "MaxPool", "Concat", "Split", "Slice")


def uint8_scale(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Step and zero point of uint8 for a range that holds 0."""
    scale = np.float32(max((high - low) / 255, 1e-12))
    return scale, np.uint8(np.clip(round(-low / float(scale)), 0, 255))


def int8_weights(
    weights: NDArray[np.float32], *, largest: int = 127
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights (out, ...) in eight bits and their steps (out,).

    Args:
        weights: of a convolution.
        largest: 64 keeps sums within 16 bits, for processors whose products saturate there.
    """
    peaks = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    scales = np.where(peaks > 0, peaks / largest, 1.0).astype(np.float32)
    by_channel = scales.reshape(-1, *[1] * (weights.ndim - 1))
    return np.clip(np.rint(weights / by_channel), -largest, largest).astype(np.int8), scales


class IntegerGraph:
    """A network's convolutions, and which of them may become integers.

    Args:
        model: of opset 13 or newer, float32; changed by :meth:`rewrite` only.
    """

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._outputs = {port.name for port in model.graph.output}
        self.convolutions: tuple[NodeProto, ...] = tuple(
            node
            for node in model.graph.node
            if node.op_type == "Conv"
            and all(name in self._tensors for name in node.input[1:])
            and node.input[0] not in self._tensors
        )

    def weights(self, convolution: NodeProto) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights (out, in, height, width) and bias (out,) of one of the convolutions."""
        values = values_of(self._tensors[convolution.input[1]])
        if len(convolution.input) < 3 or not convolution.input[2]:
            return values, np.zeros(len(values), np.float32)
        return values, values_of(self._tensors[convolution.input[2]])

    def results(self, convolution: NodeProto) -> tuple[str, ...]:
        """What is rounded behind a convolution: its result, past a Relu that belongs to it, and
        that of a LeakyRelu which follows.
        """
        result = convolution.output[0]
        only = self._only_reader(result)
        if only is not None and only.op_type == "Relu":
            return (only.output[0],)
        if only is not None and only.op_type in _SLOPES:
            return (result, only.output[0])
        return (result,)

    def watched(self) -> list[str]:
        """Names of all activations whose ranges :meth:`rewrite` may need."""
        names: dict[str, None] = {}
        for node in self.convolutions:
            names[node.input[0]] = None
            names.update(dict.fromkeys(self.results(node)))
        return list(names)

    def rewrite(
        self,
        chosen: Collection[str],
        ranges: Mapping[str, tuple[float, float]],
        *,
        largest: int = 127,
    ) -> None:
        """Turn convolutions into integers, in place; the object is used up.

        Args:
            chosen: names of the results of those convolutions.
            ranges: lowest and highest value of every activation in :meth:`watched`.
            largest: see :func:`int8_weights`.
        """
        rounded: dict[str, str] = {}
        produced: set[str] = set()
        for node in self.convolutions:
            if node.output[0] in chosen:
                results = self._rounded_results(node, chosen)
                for name in (node.input[0], *results):
                    rounded.setdefault(name, f"{name}/rounded")
                produced.update(results)
        nodes: list[NodeProto] = [
            pair
            for name in rounded
            if self._is_input(name)
            for pair in self._pair(name, rounded[name], ranges[name])
        ]
        for node in self._model.graph.node:
            integer = node.op_type == "Conv" and node.output[0] in chosen
            for index, name in enumerate(node.input):
                if name in produced or (integer and index == 0):
                    node.input[index] = rounded.get(name, name)
            if integer:
                scale, _ = uint8_scale(*ranges[node.input[0].removesuffix("/rounded")])
                nodes += self._integer_weights(node, float(scale), largest)
            nodes.append(node)
            for name in node.output:
                if name in rounded:
                    nodes += self._pair(name, rounded[name], ranges[name])
        self._replace(nodes)

    def _rounded_results(self, node: NodeProto, chosen: Collection[str]) -> tuple[str, ...]:
        """As :meth:`results`, without a slope's that no integer reads: it would only add noise."""
        result, *slopes = self.results(node)
        return (result, *(name for name in slopes if self._reaches(name, chosen)))

    def _reaches(self, name: str, chosen: Collection[str]) -> bool:
        """Whether an integer convolution reads a tensor, moved or resized perhaps."""
        for reader in self._readers.get(name, []):
            if reader.op_type == "Conv" and reader.output[0] in chosen:
                return True
            if reader.op_type in _MOVES and self._reaches(reader.output[0], chosen):
                return True
        return False

    def _only_reader(self, name: str) -> NodeProto | None:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self._outputs else None

    def _is_input(self, name: str) -> bool:
        return any(port.name == name for port in self._model.graph.input)

    def _add(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self._model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def _pair(self, name: str, result: str, limits: tuple[float, float]) -> list[NodeProto]:
        from onnx import helper

        scale, zero = uint8_scale(*limits)
        parameters = [self._add(f"{name}/scale", scale), self._add(f"{name}/zero", zero)]
        middle = f"{name}/uint8"
        return [
            helper.make_node("QuantizeLinear", [name, *parameters], [middle], f"{name}/quantise"),
            helper.make_node("DequantizeLinear", [middle, *parameters], [result], result),
        ]

    def _integer_weights(self, node: NodeProto, scale: float, largest: int) -> list[NodeProto]:
        from onnx import helper

        values, bias = self.weights(node)
        integers, steps = int8_weights(values, largest=largest)
        key = node.output[0]
        parts = [("weights", integers, steps)]
        if len(node.input) > 2 and node.input[2]:
            whole = np.clip(np.rint(bias / (scale * steps)), -_LARGEST_BIAS, _LARGEST_BIAS)
            parts.append(("bias", whole.astype(np.int32), np.float32(scale) * steps))
        nodes = []
        for index, (part, numbers, part_scales) in enumerate(parts, 1):
            names = [
                self._add(f"{key}/{part}", numbers),
                self._add(f"{key}/{part}/scale", part_scales.astype(np.float32)),
                self._add(f"{key}/{part}/zero", np.zeros(len(steps), numbers.dtype)),
            ]
            result = f"{key}/{part}/float"
            nodes.append(helper.make_node("DequantizeLinear", names, [result], result, axis=0))
            node.input[index] = result
        return nodes

    def _replace(self, nodes: list[NodeProto]) -> None:
        """Put the nodes in, and drop the weights that nothing reads any more."""
        graph = self._model.graph
        copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copies)
        read = {name for node in graph.node for name in node.input} | self._outputs
        unread = [
            index for index, tensor in enumerate(graph.initializer) if tensor.name not in read
        ]
        for index in reversed(unread):
            del graph.initializer[index]
        del graph.value_info[:]
