from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import compute, compute_by_openvino, copied, decibels, drafted
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from masquerade.runtime.tensors import stored_bytes
from masquerade.runtime.winograd import apply_winograd, winograd_cost
from masquerade.runtime.winograd_axes import POINTS, AxisTransform, filter_transform
from masquerade.testing.networks.draft import Draft

_EXACT_DB = 100


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewrite every convolution that can be, however small."""
    monkeypatch.setattr("masquerade.runtime.winograd._LEAST_GAIN", np.inf)


def picture(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def check(model: onnx.ModelProto, feeds: dict[str, np.ndarray], count: int) -> onnx.ModelProto:
    """Rewritten, the model gives the same on both runtimes."""
    expected = compute(model, feeds)
    rewritten = copied(model)
    assert apply_winograd(rewritten) == count
    onnx.checker.check_model(rewritten)
    for run in (compute, compute_by_openvino):
        for old, new in zip(expected, run(rewritten, feeds), strict=True):
            assert decibels(old, new) > _EXACT_DB
    return rewritten


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("size_hw", [(4, 4), (5, 7), (16, 12), (49, 101)])
@pytest.mark.parametrize("reflect", [True, False])
def test_equals_the_convolution(size_hw: tuple[int, int], reflect: bool) -> None:
    draft = Draft("one")
    result = draft.convolution("x", (5, 7, 3), reflect=reflect)
    model = drafted(draft, {"x": (2, 5, *size_hw)}, {"y": result})
    rewritten = check(model, {"x": picture(2, 5, *size_hw)}, 1)
    assert not {"Conv", "Pad"} & set(kinds(rewritten))


@pytest.mark.usefixtures("always")
def test_takes_any_batch() -> None:
    draft = Draft("batch")
    result = draft.convolution("x", (3, 4, 3), reflect=True)
    model = drafted(draft, {"x": (1, 3, 60, 60)}, {"y": result})
    apply_winograd(model)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    x = picture(3, 3, 60, 60)
    together = compute(model, {"x": x})[0]
    apart = [compute(model, {"x": x[i : i + 1]})[0] for i in range(3)]
    np.testing.assert_allclose(together, np.concatenate(apart), atol=1e-5)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_bilinear_resizing_vanishes(factor: float) -> None:
    draft = Draft("resized")
    x = draft.node("LeakyRelu", draft.resized("x", factor), alpha=0.2)
    x = draft.convolution(draft.resized(x, factor), (6, 8, 3))
    rewritten = check(
        drafted(draft, {"x": (1, 6, 16, 20)}, {"y": x}), {"x": picture(1, 6, 16, 20)}, 1
    )
    # The one behind a bend stays, and the one before the convolution is gone.
    assert kinds(rewritten).count("Resize") == 1


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_every_kind_of_resizing(mode: str, coordinates: str) -> None:
    draft = Draft("kinds", opset=13)
    scales = draft.constant([1, 1, 1.5, 2])
    x = draft.node("Resize", "x", "", scales, mode=mode, coordinate_transformation_mode=coordinates)
    x = draft.convolution(x, (4, 4, 3))
    model = drafted(draft, {"x": (1, 4, 10, 9)}, {"y": x})
    assert "Resize" not in kinds(check(model, {"x": picture(1, 4, 10, 9)}, 1))


@pytest.mark.usefixtures("always")
def test_what_lies_between_is_turned_once() -> None:
    draft = Draft("between")
    styles = draft.dense("style", 16, 8)
    style = draft.node("Unsqueeze", draft.node("Unsqueeze", styles, axes=[2]), axes=[3])
    x = draft.convolution("x", (8, 8, 3))
    mean = draft.node("ReduceMean", x, axes=[2, 3], keepdims=1)
    centred = draft.node("Mul", draft.node("Sub", x, mean), style)
    bent = draft.node("PRelu", centred, draft.weight((8, 1, 1), 1.0))
    normal = draft.node(
        "InstanceNormalization", bent, draft.weight((8,), 1.0), draft.weight((8,), 1.0)
    )
    first, second = draft.node("Split", normal, outputs=2, axis=1, split=[4, 4])
    joined = draft.node("Concat", draft.node("Relu", second), first, axis=1)
    mixed = draft.node("Add", draft.convolution(joined, (8, 8, 1)), draft.weight((8, 1, 1), 1.0))
    y = draft.convolution(mixed, (8, 8, 3), reflect=True)
    model = drafted(draft, {"x": (2, 8, 12, 12), "style": (2, 16)}, {"y": y})
    feeds = {"x": picture(2, 8, 12, 12), "style": picture(2, 16)}
    rewritten = check(model, feeds, 2)
    assert kinds(rewritten).count("Transpose") == 2
    assert "Conv" not in kinds(rewritten)


@pytest.mark.usefixtures("always")
def test_batch_normalisation_and_global_mean() -> None:
    draft = Draft("batch normalisation", opset=17)
    scale, shift, mean = (draft.weight((6,), 1.0) for _ in range(3))
    spread = draft.constant(np.linspace(0.5, 2, 6))
    x = draft.convolution("x", (3, 6, 3))
    x = draft.node("BatchNormalization", x, scale, shift, mean, spread)
    gate = draft.node("Sigmoid", draft.node("GlobalAveragePool", x))
    y = draft.convolution(draft.node("Mul", x, gate), (6, 3, 3))
    model = drafted(draft, {"x": (1, 3, 9, 9)}, {"y": y})
    check(model, {"x": picture(1, 3, 9, 9)}, 2)


@pytest.mark.usefixtures("always")
def test_a_map_that_others_read_keeps_its_layout_for_them() -> None:
    draft = Draft("readers")
    inner = draft.convolution("x", (4, 4, 3))
    pooled = draft.node("MaxPool", inner, kernel_shape=[2, 2], strides=[2, 2])
    y = draft.convolution(draft.node("Relu", inner), (4, 4, 3))
    model = drafted(draft, {"x": (1, 4, 8, 8)}, {"y": y, "pooled": pooled, "inner": inner})
    check(model, {"x": picture(1, 4, 8, 8)}, 2)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "attributes",
    [{"strides": [2, 2]}, {"dilations": [2, 2]}, {"group": 2}, {"pads": [1, 1, 1, 1], "group": 4}],
)
def test_other_convolutions_are_left_alone(attributes: dict[str, object]) -> None:
    draft = Draft("others")
    weights = draft.weight((4, 4 // int(str(attributes.get("group", 1))), 3, 3), 1.0)
    y = draft.node("Conv", "x", weights, kernel_shape=[3, 3], **attributes)
    model = drafted(draft, {"x": (1, 4, 8, 8)}, {"y": y})
    before = model.SerializeToString()
    assert apply_winograd(model) == 0
    assert model.SerializeToString() == before


@pytest.mark.usefixtures("always")
def test_open_sizes_and_computed_weights_are_left_alone() -> None:
    draft = Draft("open")
    y = draft.convolution("x", (4, 4, 3))
    model = drafted(draft, {"x": (1, 4, 8, 8)}, {"y": y})
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    assert apply_winograd(model) == 0
    draft = Draft("computed")
    y = draft.node("Conv", "x", draft.node("Mul", "w", draft.constant([2.0])), pads=[1] * 4)
    model = drafted(draft, {"x": (1, 4, 8, 8), "w": (4, 4, 3, 3)}, {"y": y})
    assert apply_winograd(model) == 0


def test_only_convolutions_for_which_it_pays() -> None:
    draft = Draft("rule", filled=False)
    small = draft.convolution("small", (32, 32, 3))
    wide = draft.convolution("wide", (1024, 1024, 3), reflect=True)
    tiny = draft.convolution("tiny", (512, 512, 3))
    shapes = {"small": (1, 32, 64, 64), "wide": (1, 1024, 32, 32), "tiny": (1, 512, 4, 4)}
    model = drafted(draft, shapes, {"a": small, "b": wide, "c": tiny})
    assert winograd_cost(model) == 4 * (36 - 9) * 1024 * 1024


@pytest.mark.usefixtures("always")
def test_cost_is_what_the_weights_grow_by() -> None:
    draft = Draft("cost")
    y = draft.convolution(draft.convolution("x", (16, 32, 3)), (32, 16, 3))
    model = drafted(draft, {"x": (1, 16, 8, 8)}, {"y": y})
    cost = winograd_cost(model)
    before = sum(stored_bytes(tensor) for tensor in model.graph.initializer)
    apply_winograd(model)
    after = sum(stored_bytes(tensor) for tensor in model.graph.initializer)
    assert cost == 4 * 27 * 2 * 16 * 32
    # The transforms themselves are the small rest.
    assert 0 <= after - before - cost < 0.2 * cost


@pytest.mark.usefixtures("always")
def test_weights_that_no_node_reads_stay() -> None:
    draft = Draft("emap")
    y = draft.convolution("x", (4, 4, 3))
    draft.weight((8, 8), 1.0, name="emap")
    model = drafted(draft, {"x": (1, 4, 8, 8)}, {"y": y})
    apply_winograd(model)
    assert "emap" in {tensor.name for tensor in model.graph.initializer}


@pytest.mark.usefixtures("always")
def test_padding_by_the_edge_and_by_the_convolution_itself() -> None:
    draft = Draft("edges", opset=13)
    x = draft.node("Pad", "x", draft.constant([0, 0, 2, 1, 0, 0, 0, 3], np.int64), mode="edge")
    y = draft.node("Conv", x, draft.weight((5, 3, 3, 3), 0.2), pads=[0, 2, 1, 0])
    model = drafted(draft, {"x": (1, 3, 7, 6)}, {"y": y})
    assert "Pad" not in kinds(check(model, {"x": picture(1, 3, 7, 6)}, 1))


@pytest.mark.usefixtures("always")
def test_constants_as_nodes_are_weights_too() -> None:
    draft = Draft("constants")
    y = draft.node("Conv", "x", draft.weight((3, 3, 3, 3), 1.0, name="w"), pads=[1] * 4)
    model = drafted(draft, {"x": (1, 3, 8, 8)}, {"y": y})
    values = model.graph.initializer.pop()
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=values))
    check(model, {"x": picture(1, 3, 8, 8)}, 1)


@given(length=st.integers(1, 150), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_transform_of_an_axis_is_a_filter_of_three_taps(length: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values, taps = random.standard_normal(length), random.standard_normal((1, 1, 3, 3))
    taps[..., 1:] = 0
    source = np.pad(np.eye(length), ((1, 1), (0, 0)))
    axis = AxisTransform.of(source)
    # Taps in one column only: the first of the six columns, that of the point 0, is their
    # transform divided by the distances of that point to the others.
    distances = np.prod([-point for point in POINTS[1:]])
    filters = distances * filter_transform(taps)[:, 0, 0, 0]
    reads = values[None] if axis.places is None else values[axis.places]
    enter = axis.enter.reshape(axis.blocks, -1, reads.shape[1])
    entered = np.einsum("bij,bj->bi", enter, reads).reshape(axis.blocks, axis.values, -1)
    products = entered * filters[None, :, None]
    found = np.einsum("ij,bj->bi", axis.leave, products.reshape(axis.blocks, -1)).reshape(-1)
    expected = np.correlate(np.pad(values, 1), taps[0, 0, :, 0], "valid")
    np.testing.assert_allclose(found[: axis.results], expected, atol=1e-4)
