"""What eight bits cost each convolution, measured; and which of them had better stay float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.runtime.activation_visits import visit_activations
from masquerade.runtime.graph_shapes import infer_shapes
from masquerade.runtime.integer_graph import int8_weights, uint8_scale
from masquerade.runtime.multiply_adds import multiply_adds
from masquerade.runtime.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    from masquerade.runtime.integer_graph import IntegerGraph

__all__ = ["keep_single", "measure_noise", "work_shares"]


def measure_noise(
    model: ModelProto,
    graph: IntegerGraph,
    ranges: Mapping[str, tuple[float, float]],
    feeds: Collection[Mapping[str, NDArray[Any]]],
    folder: Path,
    *,
    threads: int = 0,
    after_each: Callable[[float], None] = lambda _: None,
) -> dict[str, float]:
    """Noise that rounding adds to each convolution's result, in shares of the result's variance.

    Each convolution is computed alone, from its true float32 input, with and without rounding of
    its input and weights; what rounding of its result adds is known from the range.

    Args:
        model: of opset 13 or newer.
        graph: of ``model``.
        ranges: of its activations.
        feeds: a few are enough.
        folder: for files of the model's size, which are deleted again.
        threads: of the network.
        after_each: see :func:`masquerade.runtime.activation_visits.visit_activations`.

    Returns:
        By the name of the convolution's result.
    """
    readers: dict[str, list[NodeProto]] = {}
    for node in graph.convolutions:
        readers.setdefault(node.input[0], []).append(node)
    noise: dict[str, list[float]] = {node.output[0]: [] for node in graph.convolutions}

    def judge(name: str, values: NDArray[Any]) -> None:
        for node in readers[name]:
            exact, error = _alone(graph, node, values, ranges[name], threads)
            step, _ = uint8_scale(*ranges[graph.results(node)[0]])
            spread = max(float(exact.var()), 1e-20)
            total = float(np.square(error).mean()) + float(step) ** 2 / 12
            noise[node.output[0]].append(total / spread)

    visit_activations(
        model, list(readers), feeds, folder, judge, threads=threads, after_each=after_each
    )
    return {name: float(np.mean(values)) for name, values in noise.items() if values}


def work_shares(model: ModelProto, graph: IntegerGraph) -> dict[str, float]:
    """Each convolution's share of all multiply-adds of the convolutions, by its result's name."""
    shapes = infer_shapes(model)
    work = {node.output[0]: multiply_adds(node, shapes) or 0 for node in graph.convolutions}
    total = max(1, sum(work.values()))
    return {name: count / total for name, count in work.items()}


def keep_single(
    noise: Mapping[str, float], shares: Mapping[str, float], most: float
) -> tuple[str, ...]:
    """The convolutions that stay float32: most noise for least work first.

    Args:
        noise: of each convolution.
        shares: of the work, of each convolution.
        most: share of the work that may stay float32 in all.

    >>> keep_single({"a": 0.1, "b": 0.01, "c": 0.02}, {"a": 0.02, "b": 0.9, "c": 0.08}, 0.05)
    ('a',)
    """
    order = sorted(noise, key=lambda name: noise[name] / max(shares[name], 1e-9), reverse=True)
    kept, used = [], 0.0
    for name in order:
        if used + shares[name] <= most:
            kept.append(name)
            used += shares[name]
    return tuple(kept)


def _alone(
    graph: IntegerGraph,
    node: NodeProto,
    values: NDArray[Any],
    limits: tuple[float, float],
    threads: int,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A convolution's result, and what rounding of input and weights changes in it."""
    weights, _ = graph.weights(node)
    integers, steps = int8_weights(weights)
    by_channel = steps.reshape(-1, *[1] * (weights.ndim - 1))
    scale, zero = uint8_scale(*limits)
    rounded = np.clip(np.rint(values / scale) + zero, 0, 255) - zero
    exact = _convolved(node, values, weights, threads)
    result = _convolved(node, (rounded * scale).astype(np.float32), integers * by_channel, threads)
    return exact, result - exact


def _convolved(
    node: NodeProto, values: NDArray[Any], weights: NDArray[np.float32], threads: int
) -> NDArray[Any]:
    from onnx import TensorProto, helper, numpy_helper

    alone = helper.make_node("Conv", ["x", "w"], ["y"])
    alone.attribute.extend(node.attribute)
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", values.shape), ("y", None))
    ]
    graph = helper.make_graph(
        [alone], "alone", ports[:1], ports[1:], [numpy_helper.from_array(weights, "w")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = Session(model.SerializeToString(), threads=threads)
    return session.run({"x": values})[0]
