"""The way of a face through networks that ONNX Runtime really runs: the functional stand-ins."""

from __future__ import annotations

import numpy as np
import pytest
from donor_photos import donor
from network_doubles import scene

from masquerade.core.settings import Settings
from masquerade.geometry.affine import apply_affine
from masquerade.models.arcface import ArcFace
from masquerade.models.catalogue import find_spec
from masquerade.models.converter import Converter
from masquerade.models.emap import read_emap
from masquerade.models.enhancer import Enhancer
from masquerade.models.landmarkers import BoxLandmarker, FiveLandmarker
from masquerade.models.maskers import FaceParser, JointMasker, OcclusionMasker
from masquerade.models.swapper import Swapper
from masquerade.runtime.session import Session
from masquerade.stages.crop_points import CropPoints
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


@pytest.mark.parametrize("name", ["2dfan4", "peppa_wutz", "2d106det", "1k3d68", "fan_68_5"])
def test_every_landmarker_has_a_say_in_how_a_face_is_cut(name, folder):
    kind = FiveLandmarker if name == "fan_68_5" else BoxLandmarker
    landmarker = kind(find_spec(name), _network(name, folder))
    swapper, (frame, landmarks, kps) = _swapper("inswapper_128", folder), scene()
    made = []
    for points in (CropPoints(), CropPoints(landmarker)):
        face = NetworkFace(swapper, (), (), Settings(), points)
        made.append(face.make(frame, landmarks, kps, face.encode(donor("mona"))))
    plain, other = made
    moved = apply_affine(other.matrix, kps) - apply_affine(plain.matrix, kps)
    assert 1 < np.abs(moved).max() < 20, "another square, but of the same face"
    assert (plain.pixels != other.pixels).any()


def test_two_xseg_are_one_masker_and_limit_more_than_either(folder):
    parts = [OcclusionMasker(find_spec(n), _network(n, folder)) for n in ("xseg_1", "xseg_3")]
    swapper, (frame, landmarks, kps) = _swapper("inswapper_128", folder), scene()
    frame = frame.copy()
    frame[:, 540:] = frame[:, 540:] // 2 + np.array([110, 40, 40], np.uint8)  # a blue veil
    masks = []
    for masker in (*parts, JointMasker(parts)):
        face = NetworkFace(swapper, (), (masker,), Settings(mask=("box", "occlusion")))
        masks.append(face.make(frame, landmarks, kps, face.encode(donor("mona"))).mask.astype(int))
    first, third, joint = masks
    assert (joint <= np.minimum(first, third)).all()
    assert first.sum() < third.sum(), "they see the veil differently"


@pytest.mark.parametrize("size", [0, 512])
def test_hyperswap_says_itself_where_its_face_is(size, folder):
    swapper, (frame, landmarks, kps) = _swapper("hyperswap_1a_256", folder), scene()
    made = {}
    for wanted in (("box",), ("box", "model")):
        face = NetworkFace(swapper, (), (), Settings(mask=wanted, swap_size=size))
        made[wanted] = face.make(frame, landmarks, kps, face.encode(donor("mona")))
    box, own = (item.mask.astype(int) for item in made.values())
    assert box.shape == (size or 256,) * 2
    assert (own <= box).all()
    assert own.sum() < 0.9 * box.sum()
    middle = slice(len(own) * 3 // 8, len(own) * 5 // 8)
    assert own[middle, middle].min() > 200
    assert np.array_equal(made[("box",)].pixels, made[("box", "model")].pixels)


def test_an_enhancer_sees_the_frame_where_the_models_mask_leaves_it(folder):
    swapper, (frame, landmarks, kps) = _swapper("hyperswap_1a_256", folder), scene()
    enhancer = Enhancer(find_spec("gfpgan_1.4"), _network("gfpgan_1.4", folder))
    settings = Settings(mask=("box", "model"), enhancer_blend=0.0)  # what it was given
    face = NetworkFace(swapper, (enhancer,), (), settings)
    made = face.make(frame, landmarks, kps, face.encode(donor("mona")))
    untouched = made.mask == 0
    assert untouched.mean() > 0.3
    assert np.array_equal(made.pixels[untouched], made.target[untouched])
