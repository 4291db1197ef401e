import numpy as np
import onnx
import pytest
from onnx import TensorProto
from small_swapper import draft_small_swapper, feeds

from masquerade.core.errors import ModelError
from masquerade.runtime.half_precision import to_half, write_half
from masquerade.runtime.onnx_file import read_model
from masquerade.runtime.parity import measure_parity
from masquerade.runtime.session import Session


def types_of(model):
    inferred = onnx.shape_inference.infer_shapes(model)
    infos = (*inferred.graph.value_info, *inferred.graph.output, *inferred.graph.input)
    return {info.name: info.type.tensor_type.elem_type for info in infos}


def test_weights_are_half_ports_are_not_and_the_picture_is_kept(tmp_path):
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(draft_small_swapper(), source)
    assert write_half(source, target) > 20
    model = read_model(target)
    onnx.checker.check_model(model, full_check=True)
    assert all(
        port.type.tensor_type.elem_type == TensorProto.FLOAT
        for port in (*model.graph.input, *model.graph.output)
    )
    weights = [t for t in model.graph.initializer if len(t.dims) == 4 and max(t.dims) > 2]
    assert {tensor.data_type for tensor in weights} == {TensorProto.FLOAT16}
    assert model.graph.initializer[-1].name == "emap"
    before, after = (Session(path, threads=1) for path in (source, target))
    parity = measure_parity(before.run, after.run, feeds(3), peak=1.0)
    assert 60 < parity.psnr_db < 100  # half, not the same numbers again


def test_normalisation_stays_single_and_convolutions_do_not():
    model = draft_small_swapper()
    to_half(model)
    types = types_of(model)
    by_operator = {}
    for node in model.graph.node:
        by_operator.setdefault(node.op_type, set()).add(types[node.output[0]])
    assert by_operator["Conv"] == {TensorProto.FLOAT16}
    assert by_operator["ReduceMean"] == by_operator["Sqrt"] == {TensorProto.FLOAT}


def test_squares_stay_single_since_256_squared_is_beyond_half():
    # By the types: ONNX Runtime has no half kernels for a CPU and computes in single anyhow.
    model = draft_small_swapper()
    to_half(model)
    types = types_of(model)
    products = [node for node in model.graph.node if node.op_type == "Mul"]
    squares = {types[n.output[0]] for n in products if n.input[0] == n.input[1]}
    assert squares == {TensorProto.FLOAT}
    assert TensorProto.FLOAT16 in {types[n.output[0]] for n in products}


def test_tiny_constants_are_found_in_constant_nodes_too():
    text = """<ir_version: 8, opset_import: ["": 13]>
    g (float[1,4] x) => (float[1,4] y) {
        e = Constant<value = float {0.00000001}>()
        s = Add(x, e)
        y = Div(s, s)
    }"""
    model = onnx.parser.parse_model(text)
    to_half(model)
    result = Session(model.SerializeToString(), threads=1).run({"x": np.zeros((1, 4), np.float32)})
    np.testing.assert_array_equal(result[0], 1.0)  # 0 / 0 if the constant were lost


def test_nothing_to_gain_is_said():
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 13]> g (float[1,4] x) => (float[1,4] y) {y = Sqrt(x)}'
    )
    with pytest.raises(ModelError, match="float16"):
        to_half(model)
