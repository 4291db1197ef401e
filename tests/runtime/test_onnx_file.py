from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import drafted
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from masquerade.core.errors import ModelError
from masquerade.models.store import registry, weight_path
from masquerade.runtime import onnx_file
from masquerade.runtime.graph_facts import facts_of
from masquerade.runtime.onnx_file import parse_model, read_model
from masquerade.runtime.rewrite import rewrite
from masquerade.testing.networks.draft import Draft


def small() -> onnx.ModelProto:
    draft = Draft("small")
    x = draft.node("PRelu", draft.convolution("x", (3, 4, 3)), draft.weight((4, 1, 1), 1.0))
    x = draft.node("GlobalAveragePool", draft.convolution(x, (4, 4, 3), reflect=True))
    y = draft.dense(draft.node("Flatten", x), 4, 5)
    return drafted(draft, {"x": (1, 3, 8, 8)}, {"y": y})


_BYTES = small().SerializeToString()


def test_a_plain_network_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(_BYTES)
    assert read_model(path).SerializeToString() == _BYTES


@pytest.mark.parametrize("role", [role for role in registry() if role != "canonical"])
def test_shipped_networks_pass(role: str) -> None:
    assert read_model(weight_path(role)).graph.node


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\x08\x08", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "pointer"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
        (b"PK\x03\x04" + bytes(60), "archive"),
        (b"\x80\x02}q\x00(X\x05\x00\x00\x00epochq\x01K\x01u.", "pickle"),
        (b"\xff" * 64, "damaged"),
        (_BYTES[: len(_BYTES) // 2], "damaged"),
        (b"\x08\x08" + bytes(30), "damaged"),
    ],
)
def test_other_files_are_named(tmp_path: Path, data: bytes, word: str) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=word):
        read_model(path)


def test_missing_and_odd_paths(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        read_model(tmp_path / "none.onnx")
    with pytest.raises(ModelError):
        read_model(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_a_pipe_does_not_hold_the_program_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ModelError, match="not a file"):
        read_model(tmp_path / "pipe.onnx")


def test_a_file_beyond_the_limit_is_not_even_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "LARGEST_FILE_BYTES", 100)
    path = tmp_path / "large.onnx"
    path.write_bytes(_BYTES)
    with pytest.raises(ModelError, match="larger than"):
        read_model(path)


# --- what is in them ----------------------------------------------------------------------------


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def external_inside_a_node(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.ones(2, np.float32))
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"
    node = helper.make_node("Constant", [], ["c"], value=tensor)
    model.graph.node.insert(0, node)


def foreign_domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "ai.example.plugin"


def foreign_microsoft(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.microsoft"
    model.graph.node[0].op_type = "PyOp"


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Shell"


def loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["d"])], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["l"], body=body))


def deep(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "leaf", [], [])
    for _ in range(5):
        node = helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "branch", [], [])
    model.graph.node.append(
        helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner)
    )


def function(model: onnx.ModelProto) -> None:
    model.functions.add(name="f", domain="ai.onnx")


def training(model: onnx.ModelProto) -> None:
    model.training_info.add()


def sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


def too_small(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 2**20


def negative(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = -1


def strings(model: onnx.ModelProto) -> None:
    model.graph.initializer.add(
        name="s", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]
    )


def two_payloads(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].float_data.append(1)


def twice_made(model: onnx.ModelProto) -> None:
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


def no_result(model: onnx.ModelProto) -> None:
    del model.graph.node[0].output[:]


def many_nodes(model: onnx.ModelProto) -> None:
    for number in range(20_001):
        model.graph.node.add(op_type="Identity", input=["x"], output=[f"many{number}"])


def newer_format(model: onnx.ModelProto) -> None:
    model.ir_version = 999


def newer_operators(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 999


def no_operators(model: onnx.ModelProto) -> None:
    del model.opset_import[:]


def no_graph(model: onnx.ModelProto) -> None:
    model.ClearField("graph")


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (external, "other files"),
        (external_inside_a_node, "other files"),
        (foreign_domain, "foreign code"),
        (foreign_microsoft, "PyOp"),
        (unknown_operator, "Shell"),
        (loop, "Loop"),
        (deep, "deep"),
        (function, "functions"),
        (training, "functions"),
        (sparse, "sparse"),
        (too_small, "not as large"),
        (negative, "damaged"),
        (strings, "no known kind"),
        (two_payloads, "not as large"),
        (twice_made, "twice"),
        (no_result, "no result"),
        (many_nodes, "too many"),
        (newer_format, "format 999"),
        (newer_operators, "version 999"),
        (no_operators, "which operators"),
        (no_graph, "no network"),
    ],
)
def test_what_no_network_needs_is_refused(
    spoil: Callable[[onnx.ModelProto], None], word: str
) -> None:
    model = small()
    spoil(model)
    with pytest.raises(ModelError, match=word):
        parse_model(model.SerializeToString(), "spoiled.onnx")


def test_branches_and_fused_operators_are_allowed() -> None:
    model = small()
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "leaf", [], [])
    model.graph.node.append(
        helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner)
    )
    gelu = helper.make_node("Gelu", ["x"], ["g"], domain="com.microsoft")
    model.graph.node.append(gelu)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert parse_model(model.SerializeToString(), "allowed.onnx")


# --- damage -------------------------------------------------------------------------------------

_CHANGES = st.lists(
    st.tuples(st.integers(0, len(_BYTES) - 1), st.integers(0, 255)), min_size=1, max_size=12
)


@given(changes=_CHANGES, cut=st.integers(0, len(_BYTES)), inserted=st.binary(max_size=8))
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_are_refused_or_harmless(
    changes: list[tuple[int, int]], cut: int, inserted: bytes
) -> None:
    data = bytearray(_BYTES)
    for at, value in changes:
        data[at] = value
    data[cut:cut] = inserted
    try:
        model = parse_model(bytes(data), "damaged.onnx")
        facts_of(model, len(data))
        rewrite(model, winograd=True, free_batch=True)
    except ModelError:
        return


@given(data=st.binary(min_size=16, max_size=200))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        parse_model(b"\x08\x08" + data, "random.onnx")
