"""Every enhancer of the registry, in the files of every exporter."""

import cv2
import numpy as np
import pytest
from recorded import open_recorded

from masquerade.core.errors import ModelError
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.enhancer import Enhancer

# size, template, whether it takes a weight
FACTS = {
    "gfpgan_1.2": (512, "ffhq_512", False),
    "gfpgan_1.3": (512, "ffhq_512", False),
    "gfpgan_1.4": (512, "ffhq_512", False),
    "gfpgan_1024": (1024, "ffhq_512", False),
    "codeformer": (512, "ffhq_512", True),
    "gpen_bfr_256": (256, "arcface_128", False),
    "gpen_bfr_512": (512, "ffhq_512", False),
    "gpen_bfr_1024": (1024, "ffhq_512", False),
    "gpen_bfr_2048": (2048, "ffhq_512", False),
    "gpen_256_upscalers": (256, "gpen_wide", False),
    "gpen_512_upscalers": (512, "gpen_wide", False),
    "restoreformer_plus_plus": (512, "ffhq_512", False),
}
FILES = [(name, file.exporter) for name in FACTS for file in find_spec(name).files]


def _face(size: int) -> np.ndarray:
    small = np.random.default_rng(4).integers(40, 216, (size // 16, size // 16, 3), np.uint8)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)


def _sharpened(face: np.ndarray, amount: float = 1.0) -> np.ndarray:
    """What the stand-ins do, in float64."""
    picture = face.astype(np.float64)
    mean = cv2.blur(picture, (3, 3), borderType=cv2.BORDER_REPLICATE)
    return np.clip(picture + amount * (picture - mean), 0, 255)


def test_the_facts_cover_the_registry():
    assert set(FACTS) == {name for name, spec in catalogue().items() if spec.role == "enhancer"}


@pytest.mark.parametrize(("name", "exporter"), FILES)
def test_an_enhancer_is_fed_and_read_as_published(name, exporter, tmp_path):
    size, template, takes_weight = FACTS[name]
    network = open_recorded(name, tmp_path, exporter=exporter)
    enhancer = Enhancer(find_spec(name), network)
    assert (enhancer.size, enhancer.template) == (size, template)
    assert enhancer.takes_weight == takes_weight
    face = _face(size)
    result = enhancer.enhance(face, weight=0.25)

    fed = next(feed for feed in network.feeds[0].values() if feed.ndim == 4)
    expected = (face[..., ::-1].astype(np.float64) - 127.5) / 127.5
    np.testing.assert_allclose(fed[0], expected.transpose(2, 0, 1), atol=1e-6)
    assert fed.dtype == np.float32
    wanted = _sharpened(face, 0.75 if takes_weight else 1.0)
    half = find_spec(name).files[[f.exporter for f in find_spec(name).files].index(exporter)]
    # In half precision a step near 1 is 0.12 grey levels, and three of them add up.
    assert np.abs(result - wanted).max() <= (0.51 if half.precision == "fp32" else 1.3)


@pytest.mark.parametrize(
    ("exporter", "input_name"), [("facefusion", "weight"), ("visomaster", "w")]
)
def test_codeformers_weight_is_a_double_by_either_name(exporter, input_name, tmp_path):
    network = open_recorded("codeformer", tmp_path, exporter=exporter)
    Enhancer(find_spec("codeformer"), network).enhance(_face(512), weight=0.7)
    fed = network.feeds[0][input_name]
    assert fed.dtype == np.float64
    assert fed.tolist() == [0.7]


def test_codeformer_keeps_to_its_input_at_full_fidelity(tmp_path):
    enhancer = Enhancer(find_spec("codeformer"), open_recorded("codeformer", tmp_path))
    np.testing.assert_array_equal(enhancer.enhance(_face(512), weight=1.0), _face(512))


def test_the_output_that_is_meant_is_found_among_many(tmp_path):
    network = open_recorded("restoreformer_plus_plus", tmp_path, exporter="visomaster")
    assert network.output_ports[0].name != "2359"
    result = Enhancer(find_spec("restoreformer_plus_plus"), network).enhance(_face(512))
    assert np.abs(result - _sharpened(_face(512))).mean() < 0.5


class TestWhatDoesNotFit:
    def test_a_crop_of_another_size(self, tmp_path):
        enhancer = Enhancer(find_spec("gfpgan_1.4"), open_recorded("gfpgan_1.4", tmp_path))
        with pytest.raises(ModelError, match="square of 512"):
            enhancer.enhance(_face(256))

    def test_a_weight_where_none_is_expected(self, tmp_path):
        with pytest.raises(ModelError, match="single picture input"):
            Enhancer(find_spec("gfpgan_1.4"), open_recorded("codeformer", tmp_path))

    def test_no_weight_where_one_is_expected(self, tmp_path):
        with pytest.raises(ModelError, match="picture and a weight"):
            Enhancer(find_spec("codeformer"), open_recorded("gfpgan_1.4", tmp_path))

    def test_a_network_that_returns_no_picture(self, tmp_path):
        with pytest.raises(ModelError, match="output picture"):
            Enhancer(find_spec("gfpgan_1.4"), open_recorded("bisenet_resnet_34", tmp_path))
