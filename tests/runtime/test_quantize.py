import numpy as np
import onnx
import pytest
from small_swapper import draft_small_swapper, feeds

from masquerade.core.errors import ModelError
from masquerade.runtime.onnx_file import read_model
from masquerade.runtime.quantize import quantize_int8
from masquerade.runtime.session import Session


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "small.onnx"
    path.write_bytes(draft_small_swapper().SerializeToString())
    return path


@pytest.fixture(scope="module")
def quantised(single):
    return quantize_int8(
        single, single.with_name("int8.onnx"), feeds(6), feeds(3, 1), peak=1.0, threads=1
    )


def test_the_result_agrees_with_the_float_network_on_inputs_it_has_not_seen(single, quantised):
    exact, rounded = Session(single, threads=1), Session(quantised.path, threads=1)
    errors = [np.square(rounded.run(f)[0] - exact.run(f)[0]).mean() for f in feeds(4, 7)]
    measured = 10 * np.log10(1 / np.mean(errors))
    assert measured > 32
    assert measured == pytest.approx(quantised.parity.psnr_db, abs=3)
    assert quantised.parity.worst_db <= quantised.parity.psnr_db
    assert min(errors) > 1e-9  # else nothing was rounded


def test_ports_and_the_unread_embedding_matrix_are_kept(single, quantised):
    before, after = read_model(single), read_model(quantised.path)
    assert after.graph.initializer[-1] == before.graph.initializer[-1]
    for ports in ("input", "output"):
        assert [p.name for p in getattr(after.graph, ports)] == [
            p.name for p in getattr(before.graph, ports)
        ]
    assert quantised.path.stat().st_size < single.stat().st_size


def test_convolutions_are_integers_by_channel_save_the_few_that_stay_float(quantised):
    graph = onnx.load(quantised.path).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    integer = [node for node in convolutions if node.input[1] not in tensors]
    assert len(integer) == quantised.integers
    assert len(convolutions) - len(integer) == quantised.single
    for node in integer:
        weights, scale = (tensors[name] for name in makers[node.input[1]].input[:2])
        assert weights.data_type == onnx.TensorProto.INT8
        assert tuple(scale.dims) == (weights.dims[0],)
        assert makers[node.input[0]].op_type == "DequantizeLinear"


def test_more_layers_stay_float_until_the_wanted_parity_is_reached(single, quantised, tmp_path):
    target = tmp_path / "int8.onnx"
    better = quantize_int8(single, target, feeds(6), feeds(3, 1), peak=1.0, wanted_db=70, threads=1)
    assert better.single > quantised.single
    assert better.parity.psnr_db > quantised.parity.psnr_db
    assert better.work_single <= 0.25
    assert [item.name for item in tmp_path.iterdir()] == ["int8.onnx"]


def test_progress_grows_to_one_and_time_left_falls_to_none(single, tmp_path):
    told = []
    quantize_int8(
        single,
        tmp_path / "int8.onnx",
        feeds(4),
        feeds(2, 1),
        peak=1.0,
        threads=1,
        progress=lambda done, left_s: told.append((done, left_s)),
    )
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, 0.0)
    assert len(told) > 6


def test_without_inputs_or_convolutions_it_says_what_to_do(single, tmp_path):
    with pytest.raises(ModelError, match="Give pictures"):
        quantize_int8(single, tmp_path / "a.onnx", [], feeds(1))
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 13]> g (float[1,4] x) => (float[1,4] y) {y = Relu(x)}'
    )
    bare = tmp_path / "bare.onnx"
    onnx.save(model, bare)
    data = [{"x": np.ones((1, 4), np.float32)}]
    with pytest.raises(ModelError, match="fp16"):
        quantize_int8(bare, tmp_path / "a.onnx", data, data)
    assert [item.name for item in tmp_path.iterdir()] == ["bare.onnx"]


def test_openvino_reads_the_same_file_and_agrees(single, quantised):
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    exact = Session(single, threads=1)
    for hint in ("f32", "bf16"):
        options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": hint}
        compiled = core.compile_model(str(quantised.path), "CPU", options)
        errors = [
            np.square(compiled(feed)[compiled.output(0)] - exact.run(feed)[0]).mean()
            for feed in feeds(3, 7)
        ]
        assert 10 * np.log10(1 / np.mean(errors)) > 30
