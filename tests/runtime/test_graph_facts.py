from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import drafted
from onnx import helper, numpy_helper

from masquerade.core.errors import ModelError
from masquerade.runtime.graph_facts import facts_of, find_initialiser, graph_facts
from masquerade.runtime.network import Port
from masquerade.testing.networks.draft import Draft
from masquerade.testing.networks.full_cost import FULL_COST


def written(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_facts_of_a_small_network(tmp_path: Path) -> None:
    draft = Draft("facts")
    x = draft.convolution("x", (3, 8, 3), stride=2)
    y = draft.dense(draft.node("Flatten", draft.node("GlobalAveragePool", x)), 8, 5)
    path = written(drafted(draft, {"x": (1, 3, 16, 16)}, {"y": y}), tmp_path)
    facts = graph_facts(path)
    assert facts.parameters == 8 * 3 * 9 + 8 + 8 * 5 + 5
    assert facts.multiply_adds == 8 * 8 * 8 * 3 * 9 + 8 * 5
    assert (facts.precision, facts.opset) == ("fp32", 11)
    assert facts.size_bytes == path.stat().st_size
    assert facts.inputs == (Port("x", (1, 3, 16, 16), np.dtype(np.float32)),)
    assert facts.outputs == (Port("y", (1, 5), np.dtype(np.float32)),)
    assert facts.operators["Conv"] == 1
    assert facts.producer == "masquerade"


@pytest.mark.parametrize(
    ("kind", "millions", "thousand_millions"),
    [("inswapper", 138.6, 174.6), ("gfpgan", 85.0, 197.8), ("scrfd_10g", 4.2, 13.3)],
)
def test_published_networks_have_their_published_costs(
    kind: str, millions: float, thousand_millions: float
) -> None:
    facts = facts_of(FULL_COST[kind](filled=False), 0)
    assert facts.parameters / 1e6 == pytest.approx(millions, abs=0.05)
    assert facts.multiply_adds is not None
    assert facts.multiply_adds / 1e9 == pytest.approx(thousand_millions, abs=0.05)


def test_stages_are_told_from_the_graph() -> None:
    stages = facts_of(FULL_COST["inswapper"](filled=False), 0).stages
    assert stages == (
        "encoder 128x128x3 -> 32x32x1024, 4 convolutions 3x3, 7x7, 8 % of the work",
        "6 blocks of 2 convolutions 3x3 at 32x32x1024, steered by 512 -> 2048 (12), "
        "66 % of the work",
        "decoder 64x64x1024 -> 128x128x3, 4 convolutions 3x3, 7x7, 25 % of the work",
    )


def test_stages_of_a_recogniser_end_in_a_dense_layer() -> None:
    stages = facts_of(FULL_COST["arcface_r50"](filled=False), 0).stages
    assert stages[-1].startswith("1 dense layer 25088 -> 512")
    assert any(stage.startswith("13 blocks of 2 convolutions 3x3 at 14x14x256") for stage in stages)


def test_open_sizes_are_counted_when_they_are_given() -> None:
    draft = Draft("open")
    model = drafted(draft, {"x": (1, 3, 8, 8)}, {"y": draft.convolution("x", (3, 4, 3))})
    sides = model.graph.input[0].type.tensor_type.shape.dim
    for at, name in ((0, "batch"), (2, "height"), (3, "width")):
        sides[at].dim_param = name
    facts = facts_of(model, 0)
    assert facts.multiply_adds is None
    assert facts.inputs[0].shape == (None, 3, None, None)
    assert facts_of(model, 0, {"x": (1, 3, 10, 20)}).multiply_adds == 200 * 3 * 4 * 9


@pytest.mark.parametrize(
    ("operator", "shapes", "attributes", "expected"),
    [
        ("ConvTranspose", ((1, 3, 4, 4), (3, 5, 2, 2)), {"strides": [2, 2]}, 16 * 3 * 5 * 4),
        ("MatMul", ((2, 7, 3), (3, 5)), {}, 2 * 7 * 3 * 5),
        ("Gemm", ((3, 7), (3, 5)), {"transA": 1}, 7 * 3 * 5),
        ("Einsum", ((7, 3), (3, 5)), {"equation": "ab,bc->ac"}, 7 * 3 * 5),
        ("Conv", ((1, 4, 6, 6), (4, 1, 3, 3)), {"group": 4}, 16 * 4 * 9),
    ],
)
def test_multiply_adds_of_each_operator(
    operator: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    attributes: dict[str, object],
    expected: int,
) -> None:
    draft = Draft("costs", opset=13)
    y = draft.node(operator, "x", draft.weight(shapes[1], 1.0), **attributes)
    assert facts_of(drafted(draft, {"x": shapes[0]}, {"y": y}), 0).multiply_adds == expected


def test_precision_is_what_most_bytes_are() -> None:
    draft = Draft("half")
    model = drafted(draft, {"x": (1, 64)}, {"y": draft.dense("x", 64, 64)})
    weights = model.graph.initializer[0]
    values = numpy_helper.to_array(weights).astype(np.float16)
    name = weights.name
    weights.CopyFrom(numpy_helper.from_array(values, f"{name}.half"))
    model.graph.node.insert(0, helper.make_node("Cast", [f"{name}.half"], [name], to=1))
    assert facts_of(model, 0).precision == "fp16"


# --- the embedding map --------------------------------------------------------------------------


def with_maps(tmp_path: Path, *, used: int, unused: int) -> Path:
    draft = Draft("maps")
    y = "x"
    for _ in range(used):
        y = draft.node("MatMul", y, draft.weight((8, 8), 1.0))
    for number in range(unused):
        draft.weight((8, 8), 1.0, name=f"map{number}")
    y = draft.node("Relu", y)
    return written(drafted(draft, {"x": (1, 8)}, {"y": y}), tmp_path)


def test_the_only_one_of_its_shape_is_found(tmp_path: Path) -> None:
    path = with_maps(tmp_path, used=1, unused=0)
    found = find_initialiser(path, (8, 8))
    assert found is not None
    np.testing.assert_array_equal(
        found, numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    )
    assert find_initialiser(path, (9, 9)) is None


def test_the_one_that_no_layer_uses_is_meant(tmp_path: Path) -> None:
    path = with_maps(tmp_path, used=3, unused=1)
    found = find_initialiser(path, (8, 8))
    assert found is not None
    expected = next(t for t in onnx.load(path).graph.initializer if t.name == "map0")
    np.testing.assert_array_equal(found, numpy_helper.to_array(expected))
    assert found.dtype == np.float32


@pytest.mark.parametrize(("used", "unused"), [(2, 0), (1, 2)])
def test_several_that_could_be_meant_are_an_error(tmp_path: Path, used: int, unused: int) -> None:
    with pytest.raises(ModelError, match="nothing says which"):
        find_initialiser(with_maps(tmp_path, used=used, unused=unused), (8, 8))
