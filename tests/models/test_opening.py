"""Models by their name: from the library's file to what works, on the real loader."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from recorded import portrait

from masquerade.core.errors import LicenceError, ModelError
from masquerade.core.execution import Execution
from masquerade.models import emap as emap_module
from masquerade.models import opening
from masquerade.models.arcface import ArcFace
from masquerade.models.catalogue import catalogue
from masquerade.models.emap import read_emap
from masquerade.models.enhancer import Enhancer
from masquerade.models.face_detectors import FaceDetector
from masquerade.models.library import Library
from masquerade.models.maskers import FaceParser, Masker, OcclusionMasker
from masquerade.models.opening import close_model, close_models, open_as, open_model
from masquerade.models.swapper import Swapper
from masquerade.testing.networks.functional import fill_library, write_functional

EXECUTION = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MASQUERADE_MODELS", raising=False)
    yield Library()
    close_models()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("inswapper_128", Swapper),
        ("reswapper_128", Swapper),
        ("ghost_1_256", Swapper),
        ("cscs_256", Swapper),
        ("blendswap_256", Swapper),
        ("codeformer", Enhancer),
        ("det_10g", FaceDetector),
        ("w600k_r50", ArcFace),
        ("xseg_1", OcclusionMasker),
        ("bisenet_resnet_34", FaceParser),
    ],
)
def test_a_model_opens_with_all_that_it_needs(name, kind, library):
    fill_library(library, [name])
    model = open_model(name, EXECUTION, library)
    assert type(model) is kind
    assert open_model(name, EXECUTION, library) is model
    if isinstance(model, Swapper):
        crop = np.random.default_rng(0).integers(0, 256, (1, model.size, model.size, 3), np.uint8)
        faces = [model.swap(crop, [model.encode([portrait(seed)])]).astype(int) for seed in (1, 2)]
        assert np.abs(faces[0] - faces[1]).mean() > 2


def test_every_model_of_the_registry_is_recognised_as_itself(library):
    fill_library(library, catalogue())
    assert {item.name for item in library.installed()} == set(catalogue())


def test_networks_are_shared_by_what_is_asked_for(library):
    fill_library(library, ["inswapper_128", "hyperswap_1a_256"])
    first = open_as(Swapper, "inswapper_128", EXECUTION, library)
    second = open_as(Swapper, "hyperswap_1a_256", EXECUTION, library)
    assert first._embedder is second._embedder is open_model("w600k_r50", EXECUTION, library)
    other = open_model("inswapper_128", Execution(providers=("cpu",), threads=2), library)
    assert other is not first
    close_models()
    assert open_model("inswapper_128", EXECUTION, library) is not first


def test_one_model_goes_and_what_it_needs_stays(library):
    fill_library(library, ["inswapper_128"])
    first = open_as(Swapper, "inswapper_128", EXECUTION, library)
    embedder = open_model("w600k_r50", EXECUTION, library)
    close_model(first)
    close_model(first)
    again = open_as(Swapper, "inswapper_128", EXECUTION, library)
    assert again is not first
    assert again._embedder is embedder
    again.encode([portrait(1)])


def test_closing_does_not_wait_for_a_load(library, monkeypatch):
    """A load that is short of memory waits until others have closed what is idle."""
    fill_library(library, ["det_10g", "xseg_1"])
    idle = open_model("det_10g", EXECUTION, library)
    load = opening.load_network

    def load_short_of_memory(*args, **options):
        closing = threading.Thread(target=close_model, args=(idle,), daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
        return load(*args, **options)

    monkeypatch.setattr(opening, "load_network", load_short_of_memory)
    open_model("xseg_1", EXECUTION, library)
    assert open_model("det_10g", EXECUTION, library) is not idle


def test_int8_is_asked_of_the_large_networks_only(library):
    fill_library(library, ["inswapper_128", "det_10g"])
    lower = Execution(providers=("cpu",), threads=1, precision="int8")
    assert isinstance(open_model("det_10g", lower, library), FaceDetector)
    swapper = open_as(Swapper, "inswapper_128", lower, library)
    assert swapper.network.precision == "fp32"
    assert swapper.network.notices[0] == (
        "inswapper_128: It cannot be had in int8 here, so fp32 is used. "
        "`masquerade models quantize inswapper_128 --precision int8` makes it."
    )
    strict = replace(lower, strict_precision=True)
    with pytest.raises(ModelError, match="quantize inswapper_128 --precision int8"):
        open_model("inswapper_128", strict, library)


def test_what_is_missing_is_named(library):
    with pytest.raises(ModelError, match="pull w600k_r50"):
        open_model("inswapper_128", EXECUTION, library)
    with pytest.raises(ModelError, match="no model 'inswaper_128'"):
        open_model("inswaper_128", EXECUTION, library)


def test_a_licence_that_was_not_accepted_is_an_error(library, tmp_path):
    fill_library(library, ["xseg_1"])
    strict = Library(library.folder, type(library.licences)(tmp_path / "nobody"))
    with pytest.raises(LicenceError):
        open_model("xseg_1", EXECUTION, strict)


def test_a_model_of_another_kind_is_an_error(library):
    fill_library(library, ["gfpgan_1.4", "xseg_1"])
    with pytest.raises(ModelError, match="kind enhancer"):
        open_as(Swapper, "gfpgan_1.4", EXECUTION, library)
    assert open_as(Masker, "xseg_1", EXECUTION, library).size == 256


class TestEmap:
    def test_is_read_from_the_file_once(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
        path = write_functional("inswapper_128", tmp_path)
        first = read_emap(path)
        assert first.shape == (512, 512)
        monkeypatch.setattr(emap_module, "find_initialiser", None)
        np.testing.assert_array_equal(read_emap(path), first)

    def test_is_read_again_where_what_was_kept_is_spoilt(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
        path = write_functional("inswapper_128", tmp_path)
        first = read_emap(path)
        (kept,) = (tmp_path / "home").rglob("*.npy")
        kept.write_bytes(b"\x93NUMPY spoilt")
        np.testing.assert_array_equal(read_emap(path), first)

    def test_a_file_without_one_is_an_error(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
        path = write_functional("reswapper_128", tmp_path)
        with pytest.raises(ModelError, match="holds no emap"):
            read_emap(path)
