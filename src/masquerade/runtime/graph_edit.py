"""A graph in the making while a pass rewrites it: new nodes, new weights, fresh names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from masquerade.runtime.tensors import constants, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray
    from onnx import ModelProto, TensorProto

__all__ = ["GraphEdit", "reads"]

_SMALL_BYTES = 2**18


class GraphEdit:
    """New nodes beside the old ones of a model, which is only changed by :meth:`finish`.

    Attributes:
        nodes: the nodes of the new graph, in the order of computation.
    """

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self.nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = dict(constants(model))
        self._fresh: list[TensorProto] = []
        self._shared: dict[tuple[str, Any, bytes], str] = {}
        self._taken = {name for node in model.graph.node for name in node.output}
        self._taken |= {port.name for port in model.graph.input} | self._constants.keys()
        versions = {entry.domain: entry.version for entry in model.opset_import}
        self.opset: int = versions.get("", versions.get("ai.onnx", 0))

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is a weight of the old graph."""
        return name in self._constants

    def constant(self, name: str) -> NDArray[Any] | None:
        """Values of a weight of the old graph; None for what is computed."""
        tensor = self._constants.get(name)
        return None if tensor is None else values_of(tensor)

    def constant_shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of a weight of the old graph, without reading it; None for what is computed."""
        tensor = self._constants.get(name)
        return None if tensor is None else tuple(tensor.dims)

    def constant_type(self, name: str) -> int | None:
        """ONNX's number of the element type of a weight of the old graph."""
        tensor = self._constants.get(name)
        return None if tensor is None else tensor.data_type

    def name(self, wish: str) -> str:
        """A name that nothing has yet."""
        name, number = wish, 1
        while name in self._taken:
            name, number = f"{wish}.{number}", number + 1
        self._taken.add(name)
        return name

    def floats(self, values: ArrayLike, wish: str = "weights") -> str:
        """Add a float32 weight; small ones that are equal are stored once."""
        return self.weight(np.asarray(values, np.float32), wish)

    def integers(self, values: ArrayLike) -> str:
        """Add an int64 weight, as shapes, axes and places are given."""
        return self.weight(np.asarray(values, np.int64), "sizes")

    def weight(self, values: NDArray[Any], wish: str) -> str:
        """Add a weight of any type; small ones that are equal are stored once."""
        small = values.nbytes <= _SMALL_BYTES
        key = (values.dtype.str, values.shape, values.tobytes() if small else b"")
        if small and key in self._shared:
            return self._shared[key]
        name = self.name(wish)
        self._fresh.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        if small:
            self._shared[key] = name
        return name

    def node(self, operator: str, *inputs: str, wish: str = "", **attributes: Any) -> str:
        """Add a node with one result; its name."""
        name = self.name(wish or f"{inputs[0]}.{operator.lower()}")
        return self.named(operator, name, *inputs, **attributes)

    def named(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node whose result has the name that is given."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def reshape(self, x: str, *sides: int) -> str:
        """Reshape; a side of -1 is what is left over, and 0 stays as it was."""
        return self.node("Reshape", x, self.integers(sides))

    def finish(self, *, drop: Callable[[NodeProto], bool] | None = None) -> None:
        """Put the new nodes and weights into the model, without whatever nobody reads any more."""
        graph = self._model.graph
        wanted = {port.name for port in graph.output}
        alive = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output) and not (drop and drop(node)):
                alive.append(NodeProto.FromString(node.SerializeToString()))
                wanted.update(reads(node))
        used = {name for node in alive for name in reads(node)}
        # Weights that no node read before belong to the program, such as an embedding map.
        read = {name for node in graph.node for name in reads(node)}
        kept = [t for t in graph.initializer if t.name in used or t.name not in read]
        kept += [tensor for tensor in self._fresh if tensor.name in used]
        spare = [graph.initializer.pop() for _ in range(len(graph.initializer))]
        del graph.node[:], graph.value_info[:], spare
        graph.node.extend(alive[::-1])
        graph.initializer.extend(kept)


def reads(node: NodeProto) -> list[str]:
    """Names that a node reads, those of graphs inside it among them."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            for inner in graph.node:
                names.extend(reads(inner))
            names.extend(port.name for port in graph.output)
    return names
