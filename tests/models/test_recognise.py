"""Files are told by their hash, else by what they take and give."""

from __future__ import annotations

import dataclasses
import shutil

import onnx
import pytest

from masquerade.core.errors import ModelError
from masquerade.models import recognise as module
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.recognise import as_model, recognise
from masquerade.runtime.file_hash import hash_file
from masquerade.testing.networks.functional import draw_functional, functional_names

AMBIGUOUS = {
    # one name, two exporters whose files are fed differently: only the hash tells
    "gpen_bfr_256": "gpen_256_upscalers",
    "gpen_bfr_512": "gpen_512_upscalers",
    "gpen_256_upscalers": "gpen_bfr_256",
    "gpen_512_upscalers": "gpen_bfr_512",
    "yoloface_8n": "yoloface_8n_visomaster",
    "yoloface_8n_visomaster": "yoloface_8n",
}
ALONE = {
    *(
        "inswapper_128",
        "inswapper_128_fp16",
        "reswapper_128",
        "blendswap_256",
        "uniface_256",
        "codeformer",
    ),
    *("gpen_bfr_2048", "yunet_2023_mar", "2dfan4", "peppa_wutz", "fan_68_5", "2d106det", "1k3d68"),
}


def write(name, path, **options):
    onnx.save(draw_functional(name, **options), path)
    return path


@pytest.mark.parametrize("name", functional_names())
def test_a_file_under_any_name_could_be_what_it_is(name, tmp_path):
    found = recognise(write(name, tmp_path / "whatever.onnx"))
    assert name in found.candidates
    assert (found.spec is not None) == (name in ALONE)
    assert found.how == ("graph" if name in ALONE else "unknown")
    assert as_model(found, find_spec(name)).spec is find_spec(name)


@pytest.mark.parametrize("name", functional_names())
def test_the_name_of_a_published_file_decides(name, tmp_path):
    published = find_spec(name).files[0].name
    found = recognise(write(name, tmp_path / published.upper()))
    if name in AMBIGUOUS:
        assert found.spec is None
        assert {name, AMBIGUOUS[name]} <= set(found.candidates)
        assert name in " ".join(found.notes)
    else:
        assert found.spec is find_spec(name)


def test_an_open_batch_is_recognised_too(tmp_path):
    found = recognise(write("2dfan4", tmp_path / "x.onnx", batch="N"))
    assert found.spec is find_spec("2dfan4")


def test_a_known_hash_beats_everything(tmp_path, monkeypatch):
    path = write("gfpgan_1.3", tmp_path / "codeformer.onnx")
    spec = find_spec("gfpgan_1.2")
    file = dataclasses.replace(spec.files[0], sha256=hash_file(path), verified=True)
    changed = {**catalogue(), spec.name: dataclasses.replace(spec, files=(file,))}
    monkeypatch.setattr(module, "catalogue", lambda: changed)
    found = recognise(path)
    assert (found.spec, found.file, found.how) == (changed["gfpgan_1.2"], file, "hash")
    assert "its publisher states" in found.notes[0]


def test_what_it_looks_like_is_said(tmp_path):
    found = recognise(write("hyperswap_1a_256", tmp_path / "x.onnx"))
    ports = "takes 1x512 and 1x3x256x256, gives 1x3x256x256 and 1x1x256x256"
    assert found.looks_like == ports
    with pytest.raises(ModelError, match=f"is not codeformer: it {ports}"):
        as_model(found, find_spec("codeformer"))


def test_the_emap_tells_inswapper_from_its_kin(tmp_path):
    with_emap = recognise(write("inswapper_128", tmp_path / "a.onnx"))
    without = recognise(write("reswapper_128", tmp_path / "b.onnx"))
    assert with_emap.candidates == ("inswapper_128",)
    assert without.candidates == ("reswapper_128",)


def test_a_stranger_is_unknown(tmp_path):
    port = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [port("x", onnx.TensorProto.FLOAT, [1, 7])],
        [port("y", onnx.TensorProto.FLOAT, [1, 7])],
    )
    onnx.save(onnx.helper.make_model(graph), tmp_path / "x.onnx")
    found = recognise(tmp_path / "x.onnx")
    assert (found.spec, found.candidates, found.how) == (None, (), "unknown")
    assert found.looks_like == "takes 1x7, gives 1x7"
    assert "No model of the catalogue" in found.notes[1]


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_text("<html>please log in</html>")
    with pytest.raises(ModelError, match="a web page"):
        recognise(path)
    with pytest.raises(ModelError, match="missing"):
        recognise(tmp_path / "no.onnx")
    shutil.copy(write("peppa_wutz", tmp_path / "y.onnx"), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ModelError, match="damaged"):
        recognise(path)
