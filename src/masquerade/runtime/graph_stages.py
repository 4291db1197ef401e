"""The parts of a network in words, told from its graph alone.

Convolutions that follow each other are told together: a run of equal ones as blocks, and what lies
between two such runs as one step from one size to another. Dense layers among the convolutions of
a part steer it (a style, an identity); others are parts of their own.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from masquerade.runtime.multiply_adds import multiply_adds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import ModelProto, NodeProto

    from masquerade.runtime.graph_shapes import Shape

__all__ = ["describe_stages"]

_CONVOLUTIONS = ("Conv", "FusedConv", "ConvTranspose", "QLinearConv", "ConvInteger")
_DENSE = ("Gemm", "MatMul", "FusedMatMul", "MatMulInteger", "QLinearMatMul")
_SHORTEST_RUN = 3
"""Equal convolutions from which on they are told as blocks."""

_Size = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A node that counts.

    Attributes:
        kind: "convolution", "dense" or "sum", which is a residual addition of two maps.
        before: height, width and channels of a map that goes in; the length for a dense layer.
        after: of what comes out, alike.
        kernel: of a convolution, such as "3x3".
        cost: in multiply-adds.
    """

    kind: str
    before: _Size
    after: _Size
    kernel: str
    cost: int


def describe_stages(model: ModelProto, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """A short line for each part of the graph, in the order of computation.

    Args:
        model: any.
        shapes: of its tensors, see :func:`masquerade.runtime.graph_shapes.infer_shapes`.
    """
    layers = [layer for node in model.graph.node if (layer := _layer(node, shapes)) is not None]
    total = sum(layer.cost for layer in layers)
    lines = []
    earlier: _Size = ()
    for part in _parts(layers):
        share = sum(layer.cost for layer in part) / total if total else 0
        percent = f", {100 * share:.0f} % of the work" if share >= 0.005 else ""
        lines.append(_words(part, earlier) + percent)
        earlier = next((x.after for x in reversed(part) if x.kind == "convolution"), earlier)
    return tuple(lines)


def _layer(node: NodeProto, shapes: Mapping[str, Shape]) -> _Layer | None:
    before = shapes.get(node.input[0], ()) if node.input else ()
    after = shapes.get(node.output[0], ())
    cost = multiply_adds(node, shapes) or 0
    if node.op_type in _CONVOLUTIONS and len(before) == len(after) == 4:
        weights = shapes.get(node.input[3 if node.op_type == "QLinearConv" else 1], ())
        kernel = "x".join("?" if side is None else str(side) for side in weights[2:])
        return _Layer("convolution", _unpadded(before, after, weights), _map(after), kernel, cost)
    if node.op_type in _DENSE and before and after:
        return _Layer("dense", before[-1:], after[-1:], "", cost)
    if node.op_type == "Add" and len(before) == 4 and before == after == _second(node, shapes):
        size = _map(after)
        return _Layer("sum", size, size, "", 0) if size[:2] != (1, 1) else None
    return None


def _second(node: NodeProto, shapes: Mapping[str, Shape]) -> Shape | None:
    return shapes.get(node.input[1])


def _map(shape: Shape) -> _Size:
    return (shape[2], shape[3], shape[1])


def _unpadded(before: Shape, after: Shape, weights: Shape) -> _Size:
    """The map that goes in, without the edge that a node of its own put around it."""
    lost = [(a or 0) - (b or 0) for a, b in zip(before[2:], after[2:], strict=True)]
    edges = [(side or 1) - 1 for side in weights[2:]]
    return (*after[2:], before[1]) if lost == edges else _map(before)


def _parts(layers: Sequence[_Layer]) -> list[list[_Layer]]:
    """Layers cut into runs of equal convolutions, steps between them, and dense layers."""
    maps = [index for index, layer in enumerate(layers) if layer.kind == "convolution"]
    if not maps:
        return [list(layers)] if layers else []
    parts = [list(layers[: maps[0]])]
    for _, run in groupby(_marked(layers, maps), key=lambda mark: mark[0]):
        indices = [index for _, index in run]
        following = [index for index in maps if index > indices[-1]]
        parts.append(list(layers[indices[0] : following[0] if following else indices[-1] + 1]))
    parts.append(list(layers[maps[-1] + 1 :]))
    return [part for part in parts if any(layer.kind != "sum" for layer in part)]


def _marked(layers: Sequence[_Layer], maps: Sequence[int]) -> list[tuple[int, int]]:
    """Each convolution's place, after the place of the first one of its part."""
    marks: list[tuple[int, int]] = []
    first, heading = -1, 0
    for _, run in groupby(maps, key=lambda index: _kind(layers[index])):
        indices = list(run)
        layer = layers[indices[0]]
        if len(indices) >= _SHORTEST_RUN and layer.before == layer.after:
            marks += [(indices[0], index) for index in indices]
            first, heading = -1, 0
            continue
        for index in indices:
            turn = _heading(layers[marks[-1][1]], layers[index]) if marks else 0
            turn = turn or _heading(layers[index], layers[index])
            if first < 0 or turn * heading < 0:
                first, heading = index, turn
            heading = heading or turn
            marks.append((first, index))
    return marks


def _heading(earlier: _Layer, later: _Layer) -> int:
    """1 where maps grow from what went into one layer to what comes out of another, -1, or 0."""
    before = earlier.after if earlier is not later else earlier.before
    small, large = (math.prod(side or 1 for side in size[:2]) for size in (before, later.after))
    return (large > small) - (large < small)


def _kind(layer: _Layer) -> tuple[object, ...]:
    return layer.before, layer.after, layer.kernel


def _words(part: Sequence[_Layer], earlier: _Size) -> str:
    maps = [layer for layer in part if layer.kind == "convolution"]
    dense = [layer for layer in part if layer.kind == "dense"]
    if not maps:
        return f"{_count(len(dense), 'dense layer')} {_lengths(dense)}"
    first, last = maps[0], maps[-1]
    sums = sum(layer.kind == "sum" for layer in part)
    kinds = {_kind(layer) for layer in maps}
    if len(kinds) == 1 and len(maps) >= _SHORTEST_RUN and first.before == first.after:
        if sums > 1 and len(maps) % sums == 0:
            each = _count(len(maps) // sums, f"convolution {first.kernel}")
            text = f"{sums} blocks of {each} at {_size(first.after)}"
        else:
            text = f"{_count(len(maps), f'convolution {first.kernel}')} at {_size(first.after)}"
    else:
        turn = _heading(_Layer("", (), earlier or first.before, "", 0), last)
        name = {1: "decoder", -1: "encoder", 0: "layers"}[turn]
        kernels = ", ".join(kernel for kernel, _ in Counter(m.kernel for m in maps).most_common())
        text = f"{name} {_size(first.before)} -> {_size(last.after)}, "
        text += f"{_count(len(maps), 'convolution')} {kernels}"
    return f"{text}, steered by {_lengths(dense)}" if dense else text


def _lengths(dense: Sequence[_Layer]) -> str:
    """What dense layers take and give, such as "512 -> 2048 (12)"."""
    kinds = Counter((layer.before[0], layer.after[0]) for layer in dense)
    texts = [
        f"{a or '?'} -> {b or '?'}" + (f" ({count})" if count > 1 else "")
        for (a, b), count in kinds.most_common(3)
    ]
    return ", ".join(texts) + (", ..." if len(kinds) > 3 else "")


def _count(number: int, thing: str) -> str:
    """ "1 convolution 3x3", "2 convolutions 3x3"."""
    noun, _, rest = thing.partition(" ")
    noun = f"{noun}{'s' if number > 1 and not rest.startswith('layer') else ''}"
    rest = f"{rest}s" if number > 1 and rest == "layer" else rest
    return f"{number} {noun} {rest}".strip()


def _size(size: _Size) -> str:
    return "x".join("?" if side is None else str(side) for side in size)
