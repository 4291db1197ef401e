"""Regions of a graph turned to channels last (N, H, W, C) around nodes that want it so.

Every tensor of four axes is kept in the layout of the node that makes it, and is transposed where
a reader wants the other one, once for all such readers. Nodes that can run in either layout take
the one with which the fewest bytes are transposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from masquerade.runtime.channels_last_nodes import add_channels_last, can_turn, turned_inputs
from masquerade.runtime.graph_edit import reads

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

    from masquerade.runtime.graph_edit import GraphEdit
    from masquerade.runtime.graph_shapes import Shape

__all__ = ["ChannelsLastNode", "rewrite_channels_last"]

_LAST, _FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
_MOST_SWEEPS = 20


class ChannelsLastNode(Protocol):
    """A node that is replaced by nodes of its own, which want channels last."""

    source: str
    """The tensor (N, C, H, W) that it reads; it may lie above the node's own input."""

    def add(self, edit: GraphEdit, node: NodeProto, x: str) -> str:
        """Add the nodes, from ``x`` (N, H, W, C) to the result (N, H, W, C)."""
        ...


def rewrite_channels_last(
    model: ModelProto,
    edit: GraphEdit,
    shapes: Mapping[str, Shape],
    wanted: Mapping[str, ChannelsLastNode],
) -> None:
    """Replace nodes by others that want channels last, and turn what lies between, in place.

    Args:
        model: channels first.
        edit: of that model, still empty.
        shapes: of the model's tensors.
        wanted: the nodes that are replaced, by the name of their result.
    """
    turned = _choose(model, edit, shapes, wanted)
    layouts = _Layouts(edit, shapes)
    for node in model.graph.node:
        name = node.output[0]
        if name in wanted:
            writer = wanted[name]
            layouts.made_last(name, writer.add(edit, node, layouts.last(writer.source)))
        elif name in turned:
            inputs = turned_inputs(node, shapes)
            names = [layouts.last(x) if x in inputs else x for x in node.input]
            results = add_channels_last(edit, node, names, shapes)
            for old, new in zip(node.output, results, strict=True):
                layouts.made_last(old, new)
        else:
            for x in reads(node):
                layouts.first(x)
            edit.nodes.append(node)
    for port in model.graph.output:
        layouts.first(port.name)
    edit.finish()


class _Layouts:
    """Where each tensor is to be had in which layout; transposes are added when asked for."""

    def __init__(self, edit: GraphEdit, shapes: Mapping[str, Shape]) -> None:
        self._edit, self._shapes = edit, shapes
        self._last: dict[str, str] = {}
        self._only_last: set[str] = set()

    def made_last(self, name: str, made: str) -> None:
        """A tensor of the old graph is made with channels last, under another name."""
        self._last[name] = made
        self._only_last.add(name)

    def last(self, name: str) -> str:
        """The tensor with channels last."""
        if name not in self._last:
            self._last[name] = self._turn(name, name, _LAST, f"{name}.last")
        return self._last[name]

    def first(self, name: str) -> None:
        """See to it that the tensor is to be had with channels first, under its old name."""
        if name in self._only_last:
            self._only_last.discard(name)
            self._turn(name, self._last[name], _FIRST, name, keep=True)

    def _turn(self, name: str, x: str, order: list[int], wish: str, keep: bool = False) -> str:
        """Transpose, or only reshape what has one value for each channel."""
        result = wish if keep else self._edit.name(wish)
        if self._shapes[name][2:] == (1, 1):
            # 0 keeps the batch, whatever it is.
            sides = (0, 1, 1, -1) if order == _LAST else (0, -1, 1, 1)
            return self._edit.named("Reshape", result, x, self._edit.integers(sides))
        return self._edit.named("Transpose", result, x, perm=order)


def _choose(
    model: ModelProto,
    edit: GraphEdit,
    shapes: Mapping[str, Shape],
    wanted: Mapping[str, ChannelsLastNode],
) -> set[str]:
    """Names of the first results of the nodes that are turned.

    All that can be turned are to begin with; then each node, over and over, takes the layout with
    which the fewest values are transposed, channels first where both cost the same.
    """
    links = _Links(model, shapes, wanted)
    free = [node for node in model.graph.node if can_turn(node, edit, shapes)]
    free = [node for node in free if node.output[0] not in wanted]
    turned = {node.output[0] for node in free}
    for _ in range(_MOST_SWEEPS):
        before = set(turned)
        for node in free:
            name = node.output[0]
            turned.discard(name)
            first = links.cost(node, turned)
            turned.add(name)
            if first <= links.cost(node, turned):
                turned.discard(name)
        if turned == before:
            break
    return turned


class _Links:
    """Who makes and who reads each tensor that can be transposed."""

    def __init__(
        self,
        model: ModelProto,
        shapes: Mapping[str, Shape],
        wanted: Mapping[str, ChannelsLastNode],
    ) -> None:
        self._shapes, self._wanted = shapes, wanted
        self._maker: dict[str, str] = {}
        self._readers: dict[str, list[str]] = {}
        for node in model.graph.node:
            self._maker.update(dict.fromkeys(node.output, node.output[0]))
            for x in self._reads(node):
                self._readers.setdefault(x, []).append(node.output[0])
        for port in model.graph.output:
            self._readers.setdefault(port.name, []).append("")

    def _reads(self, node: NodeProto) -> list[str]:
        if node.output[0] in self._wanted:
            return [self._wanted[node.output[0]].source]
        return reads(node)

    def cost(self, node: NodeProto, turned: set[str]) -> int:
        """Values transposed around a node: its inputs and its results."""
        return sum(self._transposed(name, turned) for name in {*self._reads(node), *node.output})

    def _transposed(self, name: str, turned: set[str]) -> int:
        shape = self._shapes.get(name, ())
        if len(shape) != 4 or shape[2:] == (1, 1):
            return 0
        makes = self._is_last(self._maker.get(name, ""), turned)
        if all(self._is_last(reader, turned) == makes for reader in self._readers.get(name, [])):
            return 0
        size = 1
        for side in shape[1:]:
            size *= side or 1
        return size

    def _is_last(self, node: str, turned: set[str]) -> bool:
        return node in turned or node in self._wanted
