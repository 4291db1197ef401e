"""Every swapper of the registry against the facts of its publishers, written down here again."""

from dataclasses import replace

import numpy as np
import pytest
from recorded import open_recorded, open_swapper, portrait

from masquerade.core.errors import ModelError
from masquerade.geometry.templates import TEMPLATES, align, warp_crop
from masquerade.models.arcface import ArcFace
from masquerade.models.batching import Batching
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.swapper import Swapper

HALF, NONE = ((0.5,) * 3, (0.5,) * 3), ((0.0,) * 3, (1.0,) * 3)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# size, template, mean and std, what the source is, whether the output is -1..1
FACTS = {
    "inswapper_128": (128, "arcface_128", NONE, "latent", False),
    "inswapper_128_fp16": (128, "arcface_128", NONE, "latent", False),
    "reswapper_128": (128, "arcface_128", NONE, "latent", False),
    "reswapper_256": (256, "arcface_128", NONE, "latent", False),
    "instyleswapper_256_a": (256, "arcface_128", NONE, "latent", False),
    "instyleswapper_256_b": (256, "arcface_128", NONE, "latent", False),
    "instyleswapper_256_c": (256, "arcface_128", NONE, "latent", False),
    "blendswap_256": (256, "ffhq_512", NONE, ("arcface_112_v2", 112), False),
    "uniface_256": (256, "ffhq_512", HALF, ("ffhq_512", 256), True),
    "ghost_1_256": (256, "arcface_112_v1", HALF, "converted", True),
    "ghost_2_256": (256, "arcface_112_v1", HALF, "converted", True),
    "ghost_3_256": (256, "arcface_112_v1", HALF, "converted", True),
    "ghost_1_256_visomaster": (256, "arcface_112_v1", HALF, "raw", True),
    "ghost_2_256_visomaster": (256, "arcface_112_v1", HALF, "raw", True),
    "ghost_3_256_visomaster": (256, "arcface_112_v1", HALF, "raw", True),
    "simswap_256": (256, "arcface_112_v1", IMAGENET, "converted unit", False),
    "simswap_unofficial_512": (512, "arcface_112_v1", NONE, "converted unit", False),
    "simswap_512_visomaster": (512, "arcface_128", NONE, "unit", False),
    "hififace_unofficial_256": (256, "mtcnn_512", HALF, "converted unit", True),
    "hyperswap_1a_256": (256, "arcface_128", HALF, "unit", True),
    "hyperswap_1b_256": (256, "arcface_128", HALF, "unit", True),
    "hyperswap_1c_256": (256, "arcface_128", HALF, "unit", True),
    "alphaface_256": (256, "arcface_128", NONE, "raw", False),
    "cscs_256": (256, "ffhq_512", HALF, "sum of units", True),
}
DONOR = portrait(5)


def _unit(vector):
    return vector / np.linalg.norm(vector)


def _embedding(name, folder):
    """By hand: crop, blob and network."""
    spec, network = find_spec(name), open_recorded(name, folder)
    crop = warp_crop(DONOR.pixels, align(DONOR.kps, spec.template, 112), 112)
    mean, std = (np.array(values, np.float32) for values in (spec.mean, spec.std))
    blob = ((crop[..., ::-1] / np.float32(255) - mean) / std).transpose(2, 0, 1)[None]
    feed = {network.input_ports[0].name: blob.astype(np.float32)}
    return network.session.run(None, feed)[0][0]


def _expected_source(name, kind, folder, swapper):
    spec = find_spec(name)
    if isinstance(kind, tuple):
        template, size = kind
        crop = warp_crop(DONOR.pixels, align(DONOR.kps, template, size), size)
        return (crop[..., ::-1] / 255).transpose(2, 0, 1)[None]
    if kind == "sum of units":
        parts = (_embedding(item, folder) for item in (spec.embedder, spec.second_embedder))
        return sum(map(_unit, parts))[None]
    vector = _embedding(spec.embedder, folder)
    if kind == "latent":
        return _unit(_unit(vector) @ swapper._emap)[None]
    if "converted" in kind:
        network = open_recorded(spec.converter, folder)
        vector = network.session.run(None, {"input": vector[None]})[0][0]
    return (_unit(vector) if "unit" in kind else vector)[None]


def test_the_facts_cover_the_registry():
    assert set(FACTS) == {name for name, spec in catalogue().items() if spec.role == "swapper"}


@pytest.mark.parametrize("name", FACTS)
def test_a_swapper_is_fed_and_read_as_published(name, tmp_path):
    size, template, (mean, std), kind, is_signed = FACTS[name]
    swapper = open_swapper(name, tmp_path)
    assert (swapper.size, swapper.template) == (size, template)
    crop = np.random.default_rng(1).integers(0, 256, (1, size, size, 3), np.uint8)
    code = swapper.encode([DONOR])
    face = swapper.swap(crop, [code])[0]

    feeds = swapper.network.feeds[-1]
    target = next(
        feed
        for feed in feeds.values()
        if feed.shape == (1, 3, size, size) and feed is not code.source
    )
    rgb = crop[0, ..., ::-1] / 255
    expected = ((rgb - np.array(mean)) / np.array(std)).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(target, expected, atol=2e-6)
    source = next(feed for feed in feeds.values() if feed is not target)
    wanted = _expected_source(name, kind, tmp_path, swapper)
    np.testing.assert_allclose(source, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())

    raw = swapper.network.session.run(None, feeds)[0][0]
    assert (raw.min() < -0.2) == is_signed
    shown = (raw + 1) / 2 if is_signed else raw
    picture = (np.clip(shown, 0, 1) * 255).transpose(1, 2, 0)[..., ::-1]
    assert np.abs(face - picture).max() <= 0.51
    assert face.dtype == np.uint8


@pytest.mark.parametrize("name", FACTS)
def test_the_face_depends_on_target_and_donor(name, tmp_path):
    swapper = open_swapper(name, tmp_path)
    crops = np.random.default_rng(1).integers(0, 256, (2, swapper.size, swapper.size, 3), np.uint8)
    one, other = swapper.encode([DONOR]), swapper.encode([portrait(6)])
    faces = [
        swapper.swap(crops[at][None], [code])[0].astype(int)
        for at, code in ((0, one), (1, one), (0, other))
    ]
    assert np.abs(faces[0] - faces[1]).mean() > 10
    assert np.abs(faces[0] - faces[2]).mean() > 2


def test_facefusions_latent_has_the_same_direction(tmp_path):
    swapper = open_swapper("inswapper_128", tmp_path)
    code = swapper.encode([DONOR])
    facefusion = code.embedding @ swapper._emap / np.linalg.norm(code.embedding)
    assert float(_unit(facefusion) @ code.source[0]) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(code.source) == pytest.approx(1, abs=1e-6)


def test_several_portraits_are_averaged_and_none_is_an_error(tmp_path):
    swapper = open_swapper("hyperswap_1a_256", tmp_path)
    singles = [swapper.encode([portrait(seed)]).embedding for seed in (1, 2)]
    both = swapper.encode([portrait(1), portrait(2)])
    np.testing.assert_allclose(both.embedding, np.mean(singles, axis=0), rtol=1e-4, atol=1e-4)
    with pytest.raises(ModelError, match="needs a photo"):
        swapper.encode([])


@pytest.mark.parametrize("name", ["inswapper_128", "ghost_1_256", "hyperswap_1a_256"])
def test_identity_weight_leans_to_the_target_and_away(name, tmp_path):
    swapper = open_swapper(name, tmp_path)
    code = swapper.encode([DONOR])
    crop = portrait(9).pixels[: swapper.size, : swapper.size]
    target = swapper._embedder.embed(crop, TEMPLATES[swapper.template] * swapper.size)
    likeness = [
        float(_unit(swapper.weighted(code, crop, weight).embedding) @ _unit(target))
        for weight in (0.0, 0.5, 1.0)
    ]
    assert likeness[0] > likeness[1] > likeness[2]
    assert swapper.weighted(code, crop, 0.5) is code
    mixed = 0.65 * _unit(code.embedding) + 0.35 * _unit(target)
    lowest = swapper.weighted(code, crop, 0.0).embedding
    np.testing.assert_allclose(_unit(lowest), _unit(mixed), atol=1e-5)


def test_identity_weight_is_nothing_to_those_who_look_at_a_picture(tmp_path):
    swapper = open_swapper("uniface_256", tmp_path)
    code = swapper.encode([DONOR])
    crop = np.zeros((256, 256, 3), np.uint8)
    assert swapper.weighted(code, crop, 1.0) is code


def test_masks_are_given_where_the_file_has_them(tmp_path):
    swapper = open_swapper("hyperswap_1a_256", tmp_path)
    crop = np.full((1, 256, 256, 3), 200, np.uint8)
    _, masks = swapper.swap_with_masks(crop, [swapper.encode([DONOR])])
    assert masks.shape == (1, 256, 256)
    assert masks[0, 128, 128] > 0.9
    assert masks[0, 0, 0] == 0
    plain = open_swapper("inswapper_128", tmp_path)
    crop = np.full((1, 128, 128, 3), 200, np.uint8)
    assert plain.swap_with_masks(crop, [plain.encode([DONOR])])[1] is None


def test_half_precision_ports_are_fed_half_precision(tmp_path):
    single = open_swapper("inswapper_128", tmp_path / "single")
    half = open_swapper("inswapper_128", tmp_path / "half", half_ports=True)
    crop = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), np.uint8)
    faces = [s.swap(crop, [s.encode([DONOR])])[0].astype(int) for s in (single, half)]
    assert all(feed.dtype == np.float16 for feed in half.network.feeds[-1].values())
    assert np.abs(faces[0] - faces[1]).max() <= 2


def test_faces_together_are_the_faces_one_by_one(tmp_path):
    together = open_swapper("inswapper_128", tmp_path / "free", batch="faces")
    together._batching = Batching("always")
    apart = open_swapper("inswapper_128", tmp_path / "one")
    assert together.can_batch
    assert not apart.can_batch
    crops = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    codes = [[s.encode([portrait(seed)]) for seed in range(3)] for s in (together, apart)]
    before = len(together.network.feeds)
    np.testing.assert_array_equal(together.swap(crops, codes[0]), apart.swap(crops, codes[1]))
    assert len(together.network.feeds) == before + 1
    assert together.swap(crops[:0], []).shape == (0, 128, 128, 3)


def test_an_output_whose_shape_is_not_stated_is_taken(tmp_path):
    swapper = open_swapper("inswapper_128", tmp_path)
    network = swapper.network
    network.output_ports = tuple(replace(port, shape=()) for port in network.output_ports)
    again = Swapper(swapper.spec, network, embedder=swapper._embedder, emap=swapper._emap)
    crop = np.random.default_rng(1).integers(0, 256, (1, 128, 128, 3), np.uint8)
    code = swapper.encode([DONOR])
    np.testing.assert_array_equal(again.swap(crop, [code]), swapper.swap(crop, [code]))
    assert not again.can_batch
    network.session = None
    network.run = lambda feeds: [np.zeros((1, 3, 64, 64), np.float32)]
    with pytest.raises(ModelError, match="returned"):
        again.swap(crop, [code])


class TestWhatDoesNotFit:
    def test_the_file_of_another_size(self, tmp_path):
        network = open_recorded("reswapper_128", tmp_path)
        with pytest.raises(ModelError, match="256 pixels"):
            Swapper(find_spec("reswapper_256"), network, embedder=object(), emap=np.eye(512))

    def test_the_file_of_another_role(self, tmp_path):
        network = open_recorded("gfpgan_1.4", tmp_path)
        with pytest.raises(ModelError, match="pair of a target and a source"):
            Swapper(find_spec("inswapper_128"), network)

    def test_a_part_is_missing(self, tmp_path):
        network = open_recorded("inswapper_128", tmp_path)
        with pytest.raises(ModelError, match="without w600k_r50 and emap"):
            Swapper(find_spec("inswapper_128"), network)

    def test_crops_of_another_size(self, tmp_path):
        swapper = open_swapper("inswapper_128", tmp_path)
        with pytest.raises(ModelError, match="shape"):
            swapper.swap(np.zeros((1, 64, 64, 3), np.uint8), [swapper.encode([DONOR])])

    def test_a_donor_of_another_swapper(self, tmp_path):
        code = open_swapper("inswapper_128", tmp_path).encode([DONOR])
        other = open_swapper("reswapper_128", tmp_path)
        with pytest.raises(ModelError, match="encoded for inswapper_128"):
            other.swap(np.zeros((1, 128, 128, 3), np.uint8), [code])

    def test_an_embedder_is_no_swapper(self, tmp_path):
        with pytest.raises(ModelError, match="no swapper"):
            Swapper(find_spec("w600k_r50"), open_recorded("w600k_r50", tmp_path))
        with pytest.raises(ModelError, match="picture input"):
            ArcFace(find_spec("w600k_r50"), open_recorded("crossface_ghost", tmp_path))
