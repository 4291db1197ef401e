import numpy as np
import onnx
import pytest
from small_swapper import draft_small_swapper, feeds

from masquerade.core.errors import ModelError
from masquerade.runtime.opset import drop_unused_domains, fold, raise_opset, spare_tensors
from masquerade.runtime.session import Session


def test_a_network_of_an_old_opset_says_the_same_in_a_new_one():
    model = draft_small_swapper(opset=11)
    before = Session(model.SerializeToString(), threads=1)
    weights = {tensor.name: tensor.raw_data for tensor in model.graph.initializer}
    raise_opset(model, 13)
    assert model.opset_import[0].version == 13
    onnx.checker.check_model(model)
    after = Session(model.SerializeToString(), threads=1)
    assert after.inputs == before.inputs
    for feed in feeds(2):
        np.testing.assert_array_equal(after.run(feed)[0], before.run(feed)[0])
    kept = {tensor.name: tensor.raw_data for tensor in model.graph.initializer}
    assert weights.items() <= kept.items()


def test_a_newer_opset_is_left_alone():
    model = draft_small_swapper(opset=11)
    data = model.SerializeToString()
    raise_opset(model, 11)
    assert model.SerializeToString() == data


def test_folding_keeps_the_results_and_ignores_what_no_node_reads(tmp_path):
    model = draft_small_swapper()
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(model, source)
    fold(source, target)
    folded = onnx.load(target)
    drop_unused_domains(folded)
    assert [item.domain for item in folded.opset_import] == [""]
    assert [tensor.name for tensor in spare_tensors(model)] == ["emap"]
    assert "emap" not in {tensor.name for tensor in folded.graph.initializer}
    feed = feeds(1)[0]
    before, after = (Session(p, threads=1).run(feed)[0] for p in (source, target))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_network_that_the_runtime_refuses_is_named_so(tmp_path):
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"\x08\x08 not a network")
    with pytest.raises(ModelError):
        fold(path, tmp_path / "b.onnx")
