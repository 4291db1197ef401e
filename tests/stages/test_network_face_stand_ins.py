"""The way of a face through networks that ONNX Runtime really runs: the functional stand-ins."""

from __future__ import annotations

import numpy as np
import pytest
from donor_photos import donor
from network_doubles import scene

from masquerade.core.settings import Settings
from masquerade.models.arcface import ArcFace
from masquerade.models.catalogue import find_spec
from masquerade.models.converter import Converter
from masquerade.models.emap import read_emap
from masquerade.models.enhancer import Enhancer
from masquerade.models.maskers import FaceParser, OcclusionMasker
from masquerade.models.swapper import Swapper
from masquerade.runtime.session import Session
from masquerade.stages.network_face import NetworkFace
from masquerade.stages.network_patch import to_patch
from masquerade.stages.overlay import blend
from masquerade.testing.networks.functional import write_functional

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("networks")


def _network(name, folder):
    return Session(write_functional(name, folder), threads=1)


def _swapper(name, folder) -> Swapper:
    spec = find_spec(name)
    needs_emap = spec.source.kind == "latent"
    owner = spec.emap_from or name
    return Swapper(
        spec,
        _network(name, folder),
        embedder=ArcFace(find_spec(spec.embedder), _network(spec.embedder, folder))
        if spec.embedder
        else None,
        converter=Converter(find_spec(spec.converter), _network(spec.converter, folder))
        if spec.converter
        else None,
        emap=read_emap(write_functional(owner, folder)) if needs_emap else None,
    )


def _drawn(face: NetworkFace, name: str, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    frame, landmarks, kps = scene(scale)
    finished = face.make(frame, landmarks, kps, face.encode(donor(name)))
    patch = to_patch(finished, frame, 0)
    out = frame.copy()
    blend(out, patch)
    return out, frame


@pytest.mark.parametrize(
    "name", ["inswapper_128", "simswap_256", "hyperswap_1a_256", "blendswap_256", "uniface_256"]
)
def test_the_donor_shows_in_the_face_and_nowhere_else(name, folder):
    face = NetworkFace(_swapper(name, folder), (), (), Settings())
    mona, frame = _drawn(face, "mona")
    hopper, _ = _drawn(face, "hopper")
    _, landmarks, _ = scene()
    mesh = landmarks[:468, :2]
    low, high = mesh.min(0).astype(int) - 10, mesh.max(0).astype(int) + 10
    outside = np.ones(frame.shape[:2], bool)
    outside[low[1] : high[1], low[0] : high[0]] = False
    assert np.array_equal(mona[outside], frame[outside])
    middle = (slice(*np.int_(landmarks[[10, 152], 1])), slice(*np.int_(landmarks[[234, 454], 0])))
    assert np.abs(mona[middle].astype(int) - frame[middle]).mean() > 10
    assert np.abs(mona[middle].astype(int) - hopper[middle]).mean() > 5


@pytest.mark.parametrize("name", ["gfpgan_1.4", "codeformer", "gpen_bfr_256", "gpen_bfr_1024"])
def test_an_enhancer_draws_at_its_own_size(name, folder):
    enhancer = Enhancer(find_spec(name), _network(name, folder))
    swapper = _swapper("inswapper_128", folder)
    frame, landmarks, kps = scene()
    plain = NetworkFace(swapper, (), (), Settings(swap_size=256))
    enhanced = NetworkFace(swapper, (enhancer,), (), Settings(swap_size=256))
    code = plain.encode(donor("mona"))
    assert plain.make(frame, landmarks, kps, code).pixels.shape[0] == 256
    finished = enhanced.make(frame, landmarks, kps, code)
    assert finished.pixels.shape[0] == enhancer.size
    out, base = frame.copy(), frame.copy()
    blend(out, to_patch(finished, frame, 0))
    blend(base, to_patch(plain.make(frame, landmarks, kps, code), frame, 0))
    changed = np.abs(out.astype(int) - base)
    assert changed.max() > 5, "it sharpens"
    assert changed.mean() < 2, "and moves nothing"


def test_maskers_that_are_networks_take_part(folder):
    front = OcclusionMasker(find_spec("xseg_1"), _network("xseg_1", folder))
    regions = FaceParser(find_spec("bisenet_resnet_34"), _network("bisenet_resnet_34", folder))
    swapper, maskers = _swapper("inswapper_128", folder), (front, regions)
    frame, landmarks, kps = scene()
    masks = {}
    for wanted in (("box",), ("box", "occlusion"), ("box", "region")):
        face = NetworkFace(swapper, (), maskers, Settings(mask=wanted))
        masks[wanted] = face.make(frame, landmarks, kps, face.encode(donor("mona"))).mask
    box = masks.pop(("box",)).astype(int)
    for mask in masks.values():
        assert (mask <= box).all()
        assert mask.astype(int).sum() < box.sum()
        assert mask.max() > 200
