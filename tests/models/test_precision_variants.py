import hashlib

import numpy as np
import onnx
import pytest
from calibration_faces import faces

from masquerade.core.errors import LicenceError, ModelError, SettingsError
from masquerade.models.library import Library
from masquerade.models.licences import Licences
from masquerade.models.precision_variants import LEAST_DB, make_variant
from masquerade.runtime.graph_facts import graph_facts
from masquerade.testing.networks.draft import Draft
from masquerade.testing.networks.functional import draw_functional

NAME = "gfpgan_1.4"


def small_enhancer(gain=0.3):
    draft = Draft("small enhancer")
    x = draft.node("Relu", draft.convolution("input", (3, 12, 3), stride=2, gain=1.4))
    x = draft.node("Relu", draft.convolution(x, (12, 12, 3), gain=1.4))
    x = draft.convolution(draft.resized(x, 2.0), (12, 3, 3), gain=gain)
    shape = (1, 3, 512, 512)
    return draft.model({"input": shape}, {"output": (draft.node("Tanh", x), shape)})


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setattr("masquerade.models.precision_variants._COUNT", 3)
    monkeypatch.setattr("masquerade.models.precision_variants._HELD_OUT", 2)
    library = Library(tmp_path / "models", Licences(tmp_path))
    install(library, NAME, small_enhancer())
    return library


def install(library, name, model):
    library.licences.accept(library.spec(name))
    data = model.SerializeToString()
    path = library.folder / name / library.spec(name).files[0].name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    library.record(path, hashlib.sha256(data).hexdigest(), "fp32", "a test", "user")
    return path


def test_an_int8_variant_stands_beside_the_model_and_says_what_it_costs(library):
    told = []
    report = make_variant(
        library, NAME, "int8", faces(4), lambda *step: told.append(step), threads=1
    )
    assert library.variants(NAME)["int8"] == report.path
    assert report.path.parent == library.path(NAME).parent
    assert report.size_bytes == report.path.stat().st_size
    assert LEAST_DB < report.worst_db <= report.psnr_db < 90
    assert report.ms_before > 0 < report.ms_after
    assert "eight bits" in report.detail
    assert told[-1] == (1.0, 0.0)
    assert library.verify(NAME)[-1].right
    assert not [item for item in report.path.parent.iterdir() if item.name.startswith(".")]


def test_an_fp16_variant_is_closer(library):
    report = make_variant(library, NAME, "fp16", faces(1), threads=1)
    assert report.psnr_db > 55
    assert graph_facts(report.path).precision == "fp16"
    assert graph_facts(library.path(NAME)).precision == "fp32"


def test_what_lost_too_much_is_refused_unless_forced(library, monkeypatch):
    monkeypatch.setattr("masquerade.models.precision_variants.LEAST_DB", 115.0)
    with pytest.raises(ModelError, match="--force"):
        make_variant(library, NAME, "int8", faces(2), threads=1)
    assert set(library.variants(NAME)) == {"fp32"}
    report = make_variant(library, NAME, "int8", faces(2), threads=1, force=True)
    assert library.variants(NAME)["int8"] == report.path


def test_a_swapper_is_calibrated_with_donors_of_its_own_embedder(library):
    path = install(library, "inswapper_128", draw_functional("inswapper_128"))
    with pytest.raises(ModelError, match="pull w600k_r50"):
        make_variant(library, "inswapper_128", "fp16", faces(2), threads=1)
    install(library, "w600k_r50", draw_functional("w600k_r50"))
    report = make_variant(library, "inswapper_128", "fp16", faces(2), threads=1)
    assert report.psnr_db > 45
    emaps = [
        onnx.numpy_helper.to_array(tensor)
        for file in (path, report.path)
        for tensor in onnx.load(file).graph.initializer
        if tuple(tensor.dims) == (512, 512)
    ]
    assert len(emaps) >= 2
    np.testing.assert_allclose(emaps[1], emaps[0], atol=1e-3)


def test_errors_say_what_to_do(library, tmp_path):
    with pytest.raises(SettingsError, match="int8, fp16"):
        make_variant(library, NAME, "bf16", faces(1))
    with pytest.raises(ModelError, match="Give pictures"):
        make_variant(library, NAME, "int8", [])
    stranger = Library(library.folder, Licences(tmp_path / "other"))
    with pytest.raises(LicenceError):
        make_variant(stranger, NAME, "int8", faces(1))
