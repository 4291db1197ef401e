import numpy as np
import onnx
import pytest
from small_swapper import draft_small_swapper, feeds

from masquerade.runtime.opset import raise_opset
from masquerade.runtime.session import Session
from masquerade.runtime.spatial_mean import pool_means


@pytest.mark.parametrize("opset", [11, 18])
def test_means_over_the_picture_become_pooling_and_say_the_same(opset):
    model = draft_small_swapper()
    raise_opset(model, opset)
    before = Session(model.SerializeToString(), threads=1)
    assert pool_means(model) == 4
    onnx.checker.check_model(model)
    after = Session(model.SerializeToString(), threads=1)
    for feed in feeds(2):
        np.testing.assert_allclose(after.run(feed)[0], before.run(feed)[0], atol=1e-5)


@pytest.mark.parametrize("attributes", ["axes=[1], keepdims=1", "axes=[2, 3], keepdims=0"])
def test_other_means_stay(attributes):
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 13]> g (float[1,4,6,6] x) => (float[1,?,?,?] y) '
        f"{{y = ReduceMean<{attributes}>(x)}}"
    )
    if "keepdims=0" in attributes:
        del model.graph.output[0].type.tensor_type.shape.dim[2:]
    assert pool_means(model) == 0
    assert model.graph.node[0].op_type == "ReduceMean"
