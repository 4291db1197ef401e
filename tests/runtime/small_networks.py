"""Small ONNX files for the tests of this folder."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    weights: dict[str, np.ndarray],
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int | str] | None],
    kind: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    return path


def convolutions(
    path: Path,
    *,
    channels: int = 16,
    layers: int = 2,
    size: int = 32,
    half: bool = False,
    gain: float = 1.0,
    seed: int = 0,
) -> Path:
    """A picture (1, 3, size, size) goes in and comes out, through 3x3 convolutions."""
    random = np.random.default_rng(seed)
    dtype = np.float16 if half else np.float32
    widths = [3, *[channels] * layers, 3]
    weights, nodes, last = {}, [], "picture"
    for number, (inner, outer) in enumerate(pairwise(widths)):
        values = random.normal(size=(outer, inner, 3, 3)) * gain / np.sqrt(9 * inner)
        weights[f"w{number}"] = values.astype(dtype)
        name = f"c{number}"
        nodes.append(helper.make_node("Conv", [last, f"w{number}"], [name], pads=[1, 1, 1, 1]))
        last = f"r{number}"
        nodes.append(helper.make_node("LeakyRelu", [name], [last], alpha=0.2))
    nodes.append(helper.make_node("Identity", [last], ["swapped"]))
    shape: list[int | str] = [1, 3, size, size]
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    return save(path, nodes, weights, {"picture": shape}, {"swapped": shape}, kind)


def overflowing_half(path: Path) -> Path:
    """In half precision its output ``middle`` is beyond 65504; ``swapped`` is the input times 4."""
    weights = {"up": np.full(1, 60000, np.float16), "down": np.full(1, 1 / 30000, np.float16)}
    nodes = [
        helper.make_node("Mul", ["picture", "up"], ["a"]),
        helper.make_node("Mul", ["a", "up"], ["middle"]),
        helper.make_node("Mul", ["middle", "down"], ["c"]),
        helper.make_node("Mul", ["c", "down"], ["swapped"]),
    ]
    shape: list[int | str] = [1, 3, 16, 16]
    return save(
        path,
        nodes,
        weights,
        {"picture": shape},
        {"swapped": shape, "middle": shape},
        TensorProto.FLOAT16,
    )


def greedy(path: Path, side: int = 40_000) -> Path:
    """Asks for a square of ``side`` numbers in the middle: 6.4 GB."""
    nodes = [
        helper.make_node("Expand", ["x", "sides"], ["square"]),
        helper.make_node("ReduceMax", ["square"], ["y"], keepdims=0),
    ]
    weights = {"sides": np.array([side, side], np.int64)}
    return save(path, nodes, weights, {"x": [1, 1]}, {"y": []})
