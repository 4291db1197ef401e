from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from masquerade.runtime.passes import (
    drop_outputs,
    free_size,
    join_clip,
    rename_ports,
    store_half,
    take_bytes,
)

_RANDOM = np.random.default_rng(7)


def tensor(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values.astype(np.float32), name)


def network(
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto],
    shape: list[int | str],
    outputs: tuple[str, ...] = ("y",),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def compute(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})


def test_join_clip_keeps_the_output() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Min", ["r", "six"], ["m"]),
        helper.make_node("Max", ["m", "zero"], ["y"]),
    ]
    limits = [tensor("six", np.full((1, 1, 1, 1), 6)), tensor("zero", np.zeros((1, 1, 1, 1)))]
    model = network(nodes, limits, [1, 2, 4, 4])
    x = _RANDOM.uniform(-9, 9, (1, 2, 4, 4)).astype(np.float32)
    before = compute(model, x)[0]
    assert join_clip(model) == 1
    assert [node.op_type for node in model.graph.node] == ["Clip"]
    np.testing.assert_array_equal(compute(model, x)[0], before)


def test_store_half_is_lossless_and_smaller() -> None:
    exact = _RANDOM.normal(size=(64, 64)).astype(np.float16).astype(np.float32)
    fine = _RANDOM.normal(size=(64, 64)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "exact"], ["h"]),
        helper.make_node("MatMul", ["h", "fine"], ["y"]),
    ]
    model = network(nodes, [tensor("exact", exact), tensor("fine", fine)], [1, 64])
    x = _RANDOM.normal(size=(1, 64)).astype(np.float32)
    before, size = compute(model, x)[0], model.ByteSize()
    assert store_half(model) == 1
    assert model.ByteSize() < size - 64 * 64
    np.testing.assert_array_equal(compute(model, x)[0], before)
    kinds = {weight.name: weight.data_type for weight in model.graph.initializer}
    assert kinds == {"exact.half": TensorProto.FLOAT16, "fine": TensorProto.FLOAT}


@pytest.mark.parametrize("offset", [0.0, 127.5])
def test_take_bytes_takes_what_opencv_gives(offset: float) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["y"], strides=[2, 2], pads=[0, 0, 1, 1]),
    ]
    weight = tensor("w", _RANDOM.normal(size=(4, 3, 3, 3)))
    model = network(nodes, [weight], [1, 8, 8, 3])
    bgr = _RANDOM.integers(0, 256, (1, 8, 8, 3), np.uint8)
    rgb = bgr[..., ::-1].astype(np.float32)
    before = compute(model, (rgb - np.float32(offset)) / 255)[0]
    take_bytes(model, scale=1 / 255, offset=offset)
    np.testing.assert_allclose(compute(model, bgr)[0], before, atol=1e-4)


def test_take_bytes_refuses_a_graph_that_begins_otherwise() -> None:
    model = network([helper.make_node("Relu", ["x"], ["y"])], [], [1, 8, 8, 3])
    with pytest.raises((ValueError, StopIteration)):
        take_bytes(model, scale=1, offset=0)


def test_free_size_takes_other_sizes() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["c", "shape"], ["y"]),
    ]
    shape = numpy_helper.from_array(np.array([1, -1, 4]), "shape")
    model = network(nodes, [tensor("w", np.ones((4, 3, 3, 3))), shape], [1, 8, 8, 3])
    model.graph.output[0].type.tensor_type.shape.CopyFrom(
        helper.make_tensor_type_proto(TensorProto.FLOAT, [1, 64, 4]).tensor_type.shape
    )
    free_size(model)
    assert compute(model, np.zeros((1, 16, 24, 3), np.float32))[0].shape == (1, 384, 4)


def test_drop_outputs_and_rename_ports() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["y"]),
        helper.make_node("Mul", ["x", "three"], ["z"]),
    ]
    weights = [tensor("two", np.full(1, 2)), tensor("three", np.full(1, 3))]
    model = network(nodes, weights, [1, 2], ("y", "z"))
    drop_outputs(model, ["z"])
    rename_ports(model, {"x": "picture", "y": "points"})
    assert [weight.name for weight in model.graph.initializer] == ["two"]
    assert [port.name for port in (*model.graph.input, *model.graph.output)] == [
        "picture",
        "points",
    ]
    assert compute(model, np.ones((1, 2), np.float32))[0].tolist() == [[2.0, 2.0]]
    with pytest.raises(KeyError, match="tongue"):
        drop_outputs(model, ["tongue"])
