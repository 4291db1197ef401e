"""Every upscaler of the registry, in the files of every exporter."""

import numpy as np
import pytest
from recorded import open_recorded

from masquerade.core.errors import ModelError
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.upscaler import Upscaler
from masquerade.runtime.network import Port

SCALES = {"real_esrgan_x2": 2, "real_esrgan_x2_fp16": 2, "real_esrgan_x4": 4}
SCALES["real_esrgan_x4_fp16"] = 4
FILES = [(name, file.exporter) for name in SCALES for file in find_spec(name).files]


def picture(side: int) -> np.ndarray:
    return np.random.default_rng(4).integers(60, 196, (side, side, 3), np.uint8)


class Fixed:
    """A file that takes one size alone, or gives something else than it should."""

    provider, precision = "cpu", "fp32"

    def __init__(self, side: int | None, *shape: int) -> None:
        self.input_ports = (Port("input", (1, 3, side, side), np.dtype(np.float32)),)
        self.output_ports = (Port("output", (1, 3, None, None), np.dtype(np.float32)),)
        self.shape = shape

    def run(self, feeds):
        return [np.zeros(self.shape, np.float32)]


def test_the_facts_cover_the_registry():
    specs = {name: spec for name, spec in catalogue().items() if spec.role == "upscaler"}
    assert {name: spec.scale for name, spec in specs.items()} == SCALES
    assert all(spec.commercial for spec in specs.values())


@pytest.mark.parametrize(("name", "exporter"), FILES)
@pytest.mark.parametrize("side", [48, 112])
def test_an_upscaler_is_fed_and_read_as_published(name, exporter, side, tmp_path):
    network = open_recorded(name, tmp_path, exporter=exporter)
    upscaler = Upscaler(find_spec(name), network)
    given = picture(side)
    result = upscaler.enhance(given)
    fed = network.feeds[0]["input"]
    assert fed.dtype == np.float32
    expected = given[..., ::-1].astype(np.float64).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(fed[0], expected, atol=1e-6)
    scale = SCALES[name]
    assert result.shape == (side * scale, side * scale, 3)
    means = result.reshape(side, scale, side, scale, 3).mean(axis=(1, 3))
    inner = (slice(1, -1), slice(1, -1))
    wide = np.lib.stride_tricks.sliding_window_view(given.astype(float), (3, 3), axis=(0, 1))
    sharp = 2.0 * given[inner] - wide.mean(axis=(-2, -1))
    tolerance = 1.5 if "fp16" in name else 0.51
    assert np.abs(means[inner] - np.clip(sharp, 0, 255)).max() <= tolerance


def test_a_file_may_take_one_size_alone(tmp_path):
    spec = find_spec("real_esrgan_x2")
    assert Upscaler(spec, open_recorded("real_esrgan_x2", tmp_path)).side is None
    assert Upscaler(spec, Fixed(64)).side == 64


def test_tiles_need_not_be_square(tmp_path):
    upscaler = Upscaler(find_spec("real_esrgan_x2"), open_recorded("real_esrgan_x2", tmp_path))
    assert upscaler.enhance(picture(64)[:32]).shape == (64, 128, 3)


def test_what_is_no_upscaler_is_refused():
    spec = find_spec("real_esrgan_x4")
    with pytest.raises(
        ModelError, match="made 1x3x128x128 of a tile where 1x3x256x256 is expected"
    ):
        Upscaler(spec, Fixed(None, 1, 3, 128, 128)).enhance(picture(64))
    no_picture = Fixed(None, 1, 3, 8, 8)
    no_picture.output_ports = (Port("output", (1, 512), np.dtype(np.float32)),)
    with pytest.raises(ModelError, match="no output picture"):
        Upscaler(spec, no_picture)
