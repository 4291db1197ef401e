"""PRelu written as convolutions, which ONNX Runtime computes several times as fast.

ONNX Runtime keeps convolutions, their additions and Relu in its blocked channel layout, but leaves
it and comes back around each PRelu: 11 of the landmark network's 16 ms. Two forms replace it:

- two passes, ``y = low * x + Relu(high * x)`` with ``high >= 0``: each pass is one depthwise 1x1
  convolution into which the runtime fuses the Relu or the addition. It needs a convex function,
  and PRelu is concave where its slope is above 1. There the channel is negated: ``-y`` is convex.
  Whoever reads the channel undoes it: a convolution by the sign of its weights, and an addition
  (a residual block) by the sign of the convolution that is its other input, which hands the
  negation on to the next PRelu.
- three passes, ``y = low * x + high * Relu(x)``, where a reader cannot undo it (MaxPool).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from masquerade.runtime.graph_shapes import infer_shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

__all__ = ["split_prelu"]


def split_prelu(model: ModelProto) -> int:
    """Replace every ``PRelu`` with one slope per channel, in place; the outputs do not change.

    Args:
        model: channels-first graph; weights and slopes are initialisers.

    Returns:
        How many nodes were replaced. PRelus with another kind of slope are left alone.
    """
    if not any(node.op_type == "PRelu" for node in model.graph.node):
        return 0
    rewrite = _Rewrite(model)
    nodes: list[NodeProto] = []
    count = 0
    for node in model.graph.node:
        slope = rewrite.slope(node)
        if slope is None:
            nodes.append(node)
        else:
            nodes.extend(rewrite.replacement(node, slope))
            count += 1
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    rewrite.store_weights()
    return count


class _Rewrite:
    """A graph's weights and links while its PRelus are replaced, in the order of computation.

    ``_signs`` holds, for tensors whose channels were negated, 1 or -1 per channel.
    """

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        # Weights that no node reads belong to the program, such as an embedding map.
        read = {name for node in model.graph.node for name in node.input}
        self._unread = self._weights.keys() - read
        self._shapes = infer_shapes(model)
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._shown = {output.name for output in model.graph.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._signs: dict[str, NDArray[np.float32]] = {}

    def slope(self, node: NodeProto) -> NDArray[np.float32] | None:
        """The slopes of a PRelu (C,); None for other nodes and other kinds of slope."""
        values = self._weights.get(node.input[1]) if node.op_type == "PRelu" else None
        # One slope for each channel of (N, C, H, W): it lies three axes from the end.
        channels = values.size if values is not None else 0
        if values is None or values.shape[-3:] != (channels, 1, 1) or values.dtype != np.float32:
            return None
        known = self._shapes.get(node.input[0], (None, channels, None, None))
        return values.reshape(-1) if len(known) == 4 and known[1] == channels else None

    def replacement(self, node: NodeProto, slope: NDArray[np.float32]) -> list[NodeProto]:
        """The nodes that compute a PRelu; its readers are told which channels are negated."""
        source, name = node.input[0], node.output[0]
        arrives = self._signs.get(source, np.ones_like(slope))
        leaves = np.ones_like(slope)
        if self._can_undo(name):
            leaves = np.where(slope > 1, -1, 1).astype(np.float32)
            self._undo(name, leaves)
        # Slopes of what leaves, where what arrives is above and below zero.
        above = np.where(arrives > 0, leaves, -leaves * slope)
        below = np.where(arrives > 0, leaves * slope, -leaves)
        high = above - below
        lower = self._scaled(source, f"{name}.low", below)
        if (high >= 0).all():
            upper = self._scaled(source, f"{name}.high", high)
            bend = helper.make_node("Relu", [f"{name}.high"], [f"{name}.bent"])
        else:
            bend = helper.make_node("Relu", [source], [f"{name}.relu"])
            upper = self._scaled(f"{name}.relu", f"{name}.bent", high)
        first = [upper, bend] if upper.input[0] == source else [bend, upper]
        return [*first, lower, helper.make_node("Add", [f"{name}.low", f"{name}.bent"], [name])]

    def store_weights(self) -> None:
        """Write the weights that the nodes now use back into the model."""
        used = {name for node in self._model.graph.node for name in node.input}
        del self._model.graph.initializer[:]
        for name, values in self._weights.items():
            if name in used or name in self._unread:
                self._model.graph.initializer.append(numpy_helper.from_array(values, name))
        del self._model.graph.value_info[:]

    def _scaled(self, source: str, name: str, factors: NDArray[np.float32]) -> NodeProto:
        """A depthwise 1x1 convolution that multiplies each channel by a factor."""
        weight = f"{name}.weight"
        self._weights[weight] = factors.astype(np.float32).reshape(-1, 1, 1, 1)
        return helper.make_node(
            "Conv", [source, weight], [name], group=factors.size, kernel_shape=[1, 1]
        )

    def _can_undo(self, name: str) -> bool:
        """Whether every reader can take the tensor with some of its channels negated."""
        readers = self._readers.get(name, [])
        return (
            bool(readers)
            and name not in self._shown
            and all(
                self._takes_signs(reader, name)
                or (reader.op_type == "Add" and self._hands_on(reader, name))
                for reader in readers
            )
        )

    def _takes_signs(self, reader: NodeProto, name: str) -> bool:
        """Whether a node is a convolution of the tensor by weights that can be negated."""
        weights = self._weights.get(reader.input[1]) if reader.op_type == "Conv" else None
        groups = next((a.i for a in reader.attribute if a.name == "group"), 1)
        return (
            weights is not None
            and list(reader.input).count(name) == 1
            and (groups == 1 or weights.shape[:2] == (groups, 1))
        )

    def _hands_on(self, addition: NodeProto, name: str) -> bool:
        """Whether an addition joins the tensor with a convolution of its own, for a PRelu."""
        other = self._other(addition, name)
        maker = self._makers.get(other)
        following = self._readers.get(addition.output[0], [])
        return (
            maker is not None
            and maker.op_type == "Conv"
            and all(x in self._weights for x in maker.input[1:])
            and not {other, addition.output[0]} & self._shown
            and len(self._readers[other]) == 1
            and len(following) == 1
            and self.slope(following[0]) is not None
        )

    def _undo(self, name: str, signs: NDArray[np.float32]) -> None:
        for reader in self._readers.get(name, []):
            if reader.op_type == "Add":
                maker = self._makers[self._other(reader, name)]
                for position in range(1, len(maker.input)):
                    self._negate(maker, position, signs, axis=0)
                self._signs[reader.output[0]] = signs
            else:
                depthwise = self._weights[reader.input[1]].shape[1] == 1 < signs.size
                self._negate(reader, 1, signs, axis=0 if depthwise else 1)

    def _negate(
        self, node: NodeProto, position: int, signs: NDArray[np.float32], axis: int
    ) -> None:
        """Give a convolution a weight of its own with some channels negated."""
        values = self._weights[node.input[position]]
        shape = [signs.size if at == axis else 1 for at in range(values.ndim)]
        name = f"{node.output[0]}.{node.input[position]}.signed"
        self._weights[name] = values * signs.reshape(shape)
        node.input[position] = name

    @staticmethod
    def _other(addition: NodeProto, name: str) -> str:
        return str(addition.input[1] if addition.input[0] == name else addition.input[0])
