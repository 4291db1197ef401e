"""ONNX files parsed piece by piece: the same message, in half the memory, and nothing else."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from small_networks import convolutions

from masquerade.runtime import onnx_pieces
from masquerade.runtime.onnx_pieces import parse_pieces

WEIGHTS_MB = 96


def parsed(data: bytes) -> onnx.ModelProto:
    return parse_pieces(io.BytesIO(data), len(data))


def same(data: bytes) -> bool:
    whole = onnx.ModelProto.FromString(data)
    return parsed(data).SerializeToString(deterministic=True) == whole.SerializeToString(
        deterministic=True
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = convolutions(tmp_path_factory.mktemp("networks") / "small.onnx", channels=4, size=8)
    model = onnx.load(path)
    model.doc_string = "names as they are: \u00e4"
    model.metadata_props.add(key="emap", value="none")
    return model.SerializeToString()


def test_the_message_is_that_of_the_whole_file(small: bytes) -> None:
    assert same(small)
    assert same(onnx.ModelProto().SerializeToString())
    empty = onnx.ModelProto()
    empty.graph.SetInParent()
    assert parsed(empty.SerializeToString()).HasField("graph")


def test_parts_that_come_twice_are_merged_in_their_order(small: bytes) -> None:
    assert same(small + small)
    assert [n.name for n in parsed(small + small).graph.node][:1] == [
        onnx.ModelProto.FromString(small).graph.node[0].name
    ]


def test_whatever_is_cut_off_or_changed_is_refused_as_the_library_does(small: bytes) -> None:
    for end in range(1, len(small), 7):
        cut = small[:end]
        try:
            onnx.ModelProto.FromString(cut)
        except DecodeError:
            with pytest.raises(DecodeError):
                parsed(cut)
        else:
            assert same(cut)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_a_decode_error(data: bytes) -> None:
    try:
        found = parsed(data)
    except DecodeError:
        return
    assert isinstance(found, onnx.ModelProto)


def test_a_message_of_endless_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_pieces, "MOST_PIECES", 100)
    parsed(b"\x08\x08" * 99)
    with pytest.raises(DecodeError):
        parsed(b"\x08\x08" * 200)


def test_a_file_is_in_memory_once(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the peak is read as Linux tells it")
    values = np.ones(WEIGHTS_MB * 2**18 // 4, np.float32)
    parts = [numpy_helper.from_array(values, f"w{place}") for place in range(4)]
    port = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node("Identity", ["x"], ["y"])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    path = tmp_path / "large.onnx"
    onnx.save(helper.make_model(helper.make_graph([node], "g", [port], [result], parts)), path)
    script = (
        "import re, onnx; from pathlib import Path\n"
        "from masquerade.runtime.onnx_file import read_model\n"
        "status = Path('/proc/self/status')\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1]) / 1024\n"
        f"before = peak(); model = read_model(Path({str(path)!r})); print(peak() - before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    size_mb = path.stat().st_size / 2**20
    # The message, one weight of the four while it is read, and what the libraries take.
    assert size_mb < float(told) < 1.25 * size_mb + 30
