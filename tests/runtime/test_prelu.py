from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from masquerade.runtime.prelu import split_prelu

_RANDOM = np.random.default_rng(7)


class Builder:
    """A small channels-first network, node by node."""

    def __init__(self, channels: int = 3) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.channels = channels

    def weight(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [*inputs], [name], **attributes))
        return name

    def conv(self, x: str, channels: int, wide: int = 1, group: int = 1, given: int = 8) -> str:
        shape = (channels, given // group, wide, wide)
        weight, bias = (
            self.weight(_RANDOM.normal(size=shape)),
            self.weight(_RANDOM.normal(size=channels)),
        )
        pads = [wide // 2] * 4
        return self.add("Conv", x, weight, bias, group=group, kernel_shape=[wide, wide], pads=pads)

    def prelu(self, x: str, channels: int = 8, low: float = -2.0, high: float = 4.0) -> str:
        return self.add("PRelu", x, self.weight(_RANDOM.uniform(low, high, (channels, 1, 1))))

    def model(self, *outputs: str) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, self.channels, 12, 12])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def compute(model: onnx.ModelProto) -> list[np.ndarray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(1).normal(size=(1, 3, 12, 12)).astype(np.float32)
    return session.run(None, {"x": x})


def split_and_compare(model: onnx.ModelProto, count: int) -> list[onnx.NodeProto]:
    before = compute(model)
    assert split_prelu(model) == count
    assert "PRelu" not in {node.op_type for node in model.graph.node}
    for old, new in zip(before, compute(model), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-4, atol=1e-4 * np.abs(old).max())
    return list(model.graph.node)


def passes_of_three(nodes: list[onnx.NodeProto]) -> int:
    return sum(node.output[0].endswith(".relu") for node in nodes)


@pytest.mark.parametrize("shape", [(8, 1, 1), (1, 8, 1, 1)])
def test_the_last_node_keeps_its_output(shape: tuple[int, ...]) -> None:
    net = Builder()
    x = net.conv("x", 8, 3, given=3)
    y = net.add("PRelu", x, net.weight(_RANDOM.uniform(-3, 3, shape)))
    before = compute(net.model(y))[0]
    assert (before < 0).any()
    assert (before > 0).any()
    assert passes_of_three(split_and_compare(net.model(y), 1)) == 1


@pytest.mark.parametrize("group", [1, 8])
def test_a_convolution_undoes_negated_channels(group: int) -> None:
    net = Builder()
    x = net.prelu(net.conv("x", 8, 3, given=3))
    nodes = split_and_compare(net.model(net.conv(x, 8, 3, group)), 1)
    assert passes_of_three(nodes) == 0


def test_residual_blocks_hand_negated_channels_on() -> None:
    net = Builder()
    x = net.prelu(net.conv("x", 8, 3, given=3))
    for _ in range(3):
        inner = net.prelu(net.conv(x, 8))
        inner = net.conv(net.conv(inner, 8, 3, 8), 8)
        x = net.prelu(net.add("Add", inner, x))
    nodes = split_and_compare(net.model(net.conv(x, 4)), 7)
    assert passes_of_three(nodes) == 0


def test_pooling_keeps_its_signs() -> None:
    net = Builder()
    x = net.prelu(net.conv("x", 8, 3, given=3))
    x = net.prelu(net.add("Add", net.conv(x, 8), x))
    pooled = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    nodes = split_and_compare(net.model(net.conv(pooled, 4)), 2)
    assert passes_of_three(nodes) == 1


def test_pooling_of_gentle_slopes_takes_two_passes() -> None:
    net = Builder()
    x = net.prelu(net.conv("x", 8, 3, given=3), low=-1, high=1)
    pooled = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    assert passes_of_three(split_and_compare(net.model(pooled), 1)) == 0


def test_a_weight_that_two_nodes_share_is_negated_for_one() -> None:
    net = Builder()
    x = net.prelu(net.conv("x", 8, 3, given=3))
    weight = net.weight(_RANDOM.normal(size=(8, 8, 1, 1)))
    first = net.add("Conv", x, weight, kernel_shape=[1, 1])
    second = net.add("Conv", first, weight, kernel_shape=[1, 1])
    split_and_compare(net.model(second), 1)


def test_an_output_that_is_also_read_keeps_its_signs() -> None:
    net = Builder()
    x = net.prelu(net.conv("x", 8, 3, given=3))
    split_and_compare(net.model(net.conv(x, 4), x), 1)


def test_slopes_that_are_not_per_channel_are_left_alone() -> None:
    net = Builder()
    x = net.conv("x", 8, 3, given=3)
    y = net.add("PRelu", x, net.weight(_RANDOM.uniform(-1, 1, (8, 12, 12))))
    model = net.model(y)
    assert split_prelu(model) == 0
    assert [node.op_type for node in model.graph.node] == ["Conv", "PRelu"]
