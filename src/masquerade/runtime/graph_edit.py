"""A graph in the making while a pass rewrites it: new nodes, new weights, fresh names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import NodeProto, helper

from masquerade.runtime.tensors import constants, values_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from onnx import ModelProto, TensorProto

__all__ = ["GraphEdit", "reads"]

_SMALL_BYTES = 2**18


class GraphEdit:
    """New nodes beside the old ones of a model, which :meth:`finish` replaces; weights are added.

    Attributes:
        nodes: the nodes of the new graph, in the order of computation.
    """

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self.nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = dict(constants(model))
        self._own: set[str] = set()
        self._numbers: dict[str, int] = {}
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
        """A name that nothing has yet: the wish, or the wish and a number."""
        name = wish
        while name in self._taken:
            self._numbers[wish] = self._numbers.get(wish, 0) + 1
            name = f"{wish}.{self._numbers[wish]}"
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
        self._own.add(name)
        # Written into the model at once: these can be gigabytes, which are not to be copied.
        self._model.graph.initializer.add(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(values.dtype),
            dims=values.shape,
            raw_data=values.tobytes(),
        )
        if small:
            self._shared[key] = name
        return name

    def node(self, operator: str, *inputs: str, wish: str = "", **attributes: Any) -> str:
        """Add a node with one result; its name."""
        name = self.name(wish or f"added.{operator.lower()}")
        return self.named(operator, name, *inputs, **attributes)

    def named(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """Add a node whose result has the name that is given."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def reshape(self, x: str, *sides: int) -> str:
        """Reshape; a side of -1 is what is left over, and 0 stays as it was."""
        return self.node("Reshape", x, self.integers(sides))

    def finish(self) -> None:
        """Put the new nodes into the model, and take out whatever nobody reads any more."""
        graph = self._model.graph
        before = {name for node in graph.node for name in reads(node)}
        wanted = {port.name for port in graph.output}
        alive = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                alive.append(NodeProto.FromString(node.SerializeToString()))
                wanted.update(reads(node))
        # Weights that no node read before belong to the program, such as an embedding map.
        unread = {t.name for t in graph.initializer} - before - self._own
        wanted |= unread
        for at in reversed(range(len(graph.initializer))):
            if graph.initializer[at].name not in wanted:
                del graph.initializer[at]
        del graph.node[:], graph.value_info[:]
        graph.node.extend(alive[::-1])


def reads(node: NodeProto) -> list[str]:
    """Names that a node reads, those of graphs inside it among them."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            for inner in graph.node:
                names.extend(reads(inner))
            names.extend(port.name for port in graph.output)
    return names
