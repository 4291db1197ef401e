import math

import numpy as np
import onnx
import pytest

from masquerade.runtime.session import Session
from masquerade.testing.networks.full_cost import FULL_COST, write_full_cost

PUBLISHED = {
    "inswapper": (138.6e6, 174.6e9),
    "gfpgan": (85.0e6, 197.8e9),
    "gfpgan_exported": (85.0e6, 197.8e9),
    "scrfd_10g": (4.2e6, 13.3e9),
    "arcface_r50": (43.6e6, 6.3e9),
}


def shapes_of(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    graph = inferred.graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for info in (*graph.input, *graph.output, *graph.value_info):
        shapes[info.name] = tuple(side.dim_value for side in info.type.tensor_type.shape.dim)
    return shapes


def multiply_adds(model):
    shapes, total = shapes_of(model), 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            total += math.prod(shapes[node.input[1]][1:]) * math.prod(shapes[node.output[0]])
        if node.op_type == "Gemm":
            total += math.prod(shapes[node.input[1]])
    return total


@pytest.mark.parametrize("kind", PUBLISHED)
def test_stand_ins_cost_what_the_published_networks_cost(kind):
    model = FULL_COST[kind](filled=False)
    parameters = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    expected_parameters, expected_multiply_adds = PUBLISHED[kind]
    assert parameters == pytest.approx(expected_parameters, rel=0.01)
    assert multiply_adds(model) == pytest.approx(expected_multiply_adds, rel=0.01)


def test_a_stand_in_is_written_once_and_its_outputs_follow_its_input(tmp_path):
    path = write_full_cost("scrfd_10g", tmp_path)
    written = path.stat().st_mtime_ns
    assert write_full_cost("scrfd_10g", tmp_path) == path
    assert path.stat().st_mtime_ns == written
    assert [item.name for item in tmp_path.iterdir()] == [path.name]

    session = Session(path, threads=1)
    dark = session.run({"input.1": np.full((1, 3, 640, 640), -1, np.float32)})
    light = session.run({"input.1": np.full((1, 3, 640, 640), 1, np.float32)})
    cells = [2 * (640 // stride) ** 2 for stride in (8, 16, 32)]
    assert [result.shape for result in dark] == [(n, k) for k in (1, 4, 10) for n in cells]
    assert all(np.isfinite(result).all() for result in dark)
    assert min(np.abs(a - b).mean() for a, b in zip(dark, light, strict=True)) > 0.02


def test_the_swapper_keeps_its_embedding_matrix_last():
    graph = FULL_COST["inswapper"](filled=False).graph
    assert graph.initializer[-1].name == "emap"
    assert tuple(graph.initializer[-1].dims) == (512, 512)
    assert not any("emap" in node.input for node in graph.node)
