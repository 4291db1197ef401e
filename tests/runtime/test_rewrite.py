from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import compute, compute_by_openvino, copied, decibels, drafted
from onnx import TensorProto, helper, numpy_helper

from masquerade.runtime.free_batch import free_batch
from masquerade.runtime.modulation import move_modulation
from masquerade.runtime.rewrite import rewrite
from masquerade.runtime.single_precision import to_single
from masquerade.testing.networks.draft import Draft

_RANDOM = np.random.default_rng(5)


def picture(*shape: int) -> np.ndarray:
    return _RANDOM.standard_normal(shape).astype(np.float32)


def batches(model: onnx.ModelProto) -> list[str | int]:
    ports = [*model.graph.input, *model.graph.output]
    sides = [port.type.tensor_type.shape.dim[0] for port in ports]
    return [side.dim_param or side.dim_value for side in sides]


def small_swapper() -> onnx.ModelProto:
    """A picture, a style, AdaIN and a reshape that says 1 for the batch."""
    draft = Draft("swapper")
    x = draft.node(
        "PRelu", draft.convolution("x", (3, 8, 3), reflect=True), draft.weight((8, 1, 1), 1.0)
    )
    mean = draft.node("ReduceMean", x, axes=[2, 3], keepdims=1)
    style = draft.dense("style", 16, 8)
    style = draft.node("Reshape", style, draft.constant([1, 8, 1, 1], np.int64))
    x = draft.node("Mul", draft.node("Sub", x, mean), style)
    y = draft.convolution(draft.resized(x, 2.0), (8, 3, 3))
    return drafted(draft, {"x": (1, 3, 12, 12), "style": (1, 16)}, {"y": y})


def test_all_passes_together_keep_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("masquerade.runtime.winograd._LEAST_GAIN", np.inf)
    model = small_swapper()
    feeds = {"x": picture(1, 3, 12, 12), "style": picture(1, 16)}
    expected = compute(model, feeds)[0]
    rewritten = rewrite(model, winograd=True, free_batch=True)
    assert len(rewritten.applied) == 4
    for run in (compute, compute_by_openvino):
        assert decibels(expected, run(rewritten.model, feeds)[0]) > 100


def test_nothing_to_do_is_said() -> None:
    draft = Draft("plain")
    model = drafted(draft, {"x": (2, 4)}, {"y": draft.dense("x", 4, 2)})
    assert rewrite(model, winograd=True, free_batch=True).applied == ()


# --- batch --------------------------------------------------------------------------------------


def test_batch_of_two_is_two_of_one() -> None:
    model = small_swapper()
    assert free_batch(model)
    assert batches(model) == ["batch"] * 3
    feeds = {"x": picture(2, 3, 12, 12), "style": picture(2, 16)}
    together = compute(model, feeds)[0]
    for i in range(2):
        alone = compute(model, {name: values[i : i + 1] for name, values in feeds.items()})[0]
        np.testing.assert_allclose(together[i], alone[0], atol=1e-5)


def _mixed(draft: Draft, kind: str) -> str:
    if kind == "hard reshape":
        return str(draft.node("Reshape", "x", draft.constant([4, 4], np.int64)))
    if kind == "transposed":
        return str(draft.node("Transpose", "x", perm=[1, 0, 2, 3]))
    if kind == "mean over the batch":
        return str(draft.node("Sub", "x", draft.node("ReduceMean", "x", axes=[0], keepdims=1)))
    if kind == "softmax over the batch":
        return str(draft.node("Softmax", "x", axis=0))
    if kind == "product with itself":
        flat = draft.node("Flatten", "x", axis=1)
        return str(draft.node("Gemm", flat, flat, transB=1))
    weights = draft.node("Mul", draft.weight((4, 4, 1, 1), 1.0), "x")
    return str(draft.node("Conv", draft.weight((1, 4, 5, 5), 1.0), weights))


@pytest.mark.parametrize(
    "kind",
    [
        "hard reshape",
        "transposed",
        "mean over the batch",
        "softmax over the batch",
        "product with itself",
        "computed weights",
    ],
)
def test_batch_stays_where_pictures_would_mix(kind: str) -> None:
    draft = Draft("mixed", opset=13)
    y = _mixed(draft, kind)
    model = drafted(draft, {"x": (1, 4, 2, 2) if "weights" not in kind else (1, 4, 1, 1)}, {"y": y})
    before = model.SerializeToString()
    assert not free_batch(model)
    assert model.SerializeToString() == before


def test_an_output_that_no_picture_reaches_keeps_the_batch() -> None:
    draft = Draft("constant")
    z = draft.node("Relu", draft.weight((1, 4), 1.0))
    model = drafted(draft, {"x": (1, 4)}, {"y": draft.node("Relu", "x"), "z": z})
    assert not free_batch(model)


# --- precision ----------------------------------------------------------------------------------


def half_model() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["a", "w"], ["b"]),
        helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["weight"], ["d"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["c", "d"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "half",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4]),
            helper.make_tensor_value_info("weight", TensorProto.DOUBLE, [1]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 4, 4])],
        [numpy_helper.from_array(picture(3, 2, 1, 1).astype(np.float16), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_half_precision_is_turned_into_single() -> None:
    model = half_model()
    x = picture(1, 2, 4, 4)
    before = compute(model, {"x": x, "weight": np.array([0.5])})[0]
    assert to_single(model, half=True) == 3
    onnx.checker.check_model(model, full_check=True)
    after = compute(model, {"x": x, "weight": np.array([0.5], np.float32)})[0]
    np.testing.assert_allclose(before, after, rtol=2e-2, atol=2e-2)
    assert {tensor.data_type for tensor in model.graph.initializer} == {TensorProto.FLOAT}


def test_half_precision_stays_for_devices_but_double_goes() -> None:
    model = half_model()
    assert to_single(model, half=False) == 1
    assert model.graph.input[1].type.tensor_type.elem_type == TensorProto.FLOAT
    assert model.graph.initializer[0].data_type == TensorProto.FLOAT16


# --- modulation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("five_axes", [True, False])
@pytest.mark.parametrize("demodulated", [True, False])
def test_modulated_weights_become_constant(five_axes: bool, demodulated: bool) -> None:
    draft = Draft("modulated", opset=13)
    front = (1,) if five_axes else ()
    style = draft.dense("style", 8, 6, mean=1.0)
    style = draft.node("Reshape", style, draft.constant([*front, 1, 6, 1, 1], np.int64))
    weights = draft.node("Mul", draft.weight((*front, 5, 6, 3, 3), 0.3), style)
    if demodulated:
        square = draft.node("Pow", weights, draft.constant(2.0))
        axes = draft.constant([-3, -2, -1], np.int64)
        total = draft.node("ReduceSum", square, axes, keepdims=1)
        length = draft.node("Sqrt", draft.node("Add", total, draft.constant([1e-8])))
        weights = draft.node("Mul", weights, draft.node("Reciprocal", length))
    weights = draft.node("Reshape", weights, draft.constant([5, 6, 3, 3], np.int64))
    model = drafted(
        draft,
        {"x": (1, 6, 8, 8), "style": (1, 8)},
        {"y": draft.node("Conv", "x", weights, pads=[1, 1, 1, 1])},
    )
    feeds = {"x": picture(1, 6, 8, 8), "style": picture(1, 8)}
    expected = compute(model, feeds)[0]
    rewritten = copied(model)
    assert move_modulation(rewritten) == 1
    onnx.checker.check_model(rewritten)
    assert decibels(expected, compute(rewritten, feeds)[0]) > 110
    conv = next(node for node in rewritten.graph.node if node.op_type == "Conv")
    assert conv.input[1] in {tensor.name for tensor in rewritten.graph.initializer}
    assert "ReduceSum" not in {node.op_type for node in rewritten.graph.node}


def test_weights_that_are_more_than_scaled_stay() -> None:
    draft = Draft("added", opset=13)
    weights = draft.node("Add", draft.weight((4, 4, 3, 3), 1.0), "shift")
    model = drafted(
        draft,
        {"x": (1, 4, 8, 8), "shift": (1, 4, 1, 1)},
        {"y": draft.node("Conv", "x", weights)},
    )
    assert move_modulation(model) == 0


# --- PRelu of other shapes ----------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "slopes"), [((2, 4), (4,)), ((1, 4, 3, 3), (1,))])
def test_prelu_of_other_kinds_is_left_alone(shape: tuple[int, ...], slopes: tuple[int]) -> None:
    draft = Draft("prelu")
    model = drafted(draft, {"x": shape}, {"y": draft.node("PRelu", "x", draft.weight(slopes, 1.0))})
    assert rewrite(model, winograd=False, free_batch=False).applied == ()
