"""The invisible mark: what it says, what it costs the picture, what it outlives."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.trust.watermark import (
    NUMBER_BITS,
    SHORT_SIDE,
    TILE,
    Watermark,
    check_bits,
    code_word,
    new_number,
    number_of,
    patterns,
)
from masquerade.trust.watermark_reading import read_mark

NUMBER = 0x3FA21
PAINTING = Path(__file__).parents[1] / "media" / "mona_lisa.jpg"


@pytest.fixture(scope="module")
def painting() -> np.ndarray:
    """A real picture, uint8 (720, 1280, 3), of which much is dark and fine."""
    picture = cv2.imread(str(PAINTING))
    assert picture is not None
    height = picture.shape[1] * 720 // 1280
    return cv2.resize(picture[100 : 100 + height], (1280, 720), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def marked(painting) -> np.ndarray:
    picture = painting.copy()
    Watermark(NUMBER).add(picture)
    return picture


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    _, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def scaled(picture: np.ndarray, factor: float, how: int = cv2.INTER_AREA) -> np.ndarray:
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how)


def cut(picture: np.ndarray, share: float) -> np.ndarray:
    """The middle, with this share of each side left, off by an odd number of pixels."""
    height, width = (round(side * share) for side in picture.shape[:2])
    y, x = (picture.shape[0] - height) // 2 + 3, (picture.shape[1] - width) // 2 + 5
    return np.ascontiguousarray(picture[y : y + height, x : x + width])


ATTACKS = {
    "nothing": lambda p: p,
    "half the size": lambda p: scaled(p, 0.5),
    "a third larger": lambda p: scaled(p, 1.33, cv2.INTER_CUBIC),
    "JPEG of quality 50": lambda p: jpeg(p, 50),
    "half the size, JPEG of quality 50": lambda p: jpeg(scaled(p, 0.5), 50),
    "nine tenths of it": lambda p: cut(p, 0.9),
    "half of it": lambda p: cut(p, 0.5),
    "a screenshot": lambda p: jpeg(scaled(cut(p, 0.8), 0.83, cv2.INTER_LINEAR), 85),
    "brighter": lambda p: cv2.convertScaleAbs(p, alpha=0.9, beta=20),
    "grey": lambda p: cv2.cvtColor(p, cv2.COLOR_BGR2GRAY),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_number_outlives(marked, name):
    found = read_mark([ATTACKS[name](marked)])
    assert found is not None
    assert found.number == NUMBER


def test_what_is_left_of_a_cut_picture_is_told(marked):
    found = read_mark([cut(marked, 0.8)])
    assert found is not None
    assert found.scale == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("name", ["nothing", "half of it", "JPEG of quality 50"])
def test_nothing_is_found_where_nothing_is(painting, name):
    assert read_mark([ATTACKS[name](painting)]) is None


def test_noise_and_flat_pictures_say_nothing():
    random = np.random.default_rng(5)
    assert read_mark([random.integers(0, 256, (240, 320, 3)).astype(np.uint8)]) is None
    assert read_mark([np.full((240, 320), 90, np.uint8)]) is None
    assert read_mark([]) is None
    assert read_mark([np.zeros((4, 4), np.uint8)]) is None


def test_it_is_faint_and_changes_the_brightness_of_nothing(painting, marked):
    assert cv2.PSNR(painting, marked) > 44
    difference = marked.astype(int) - painting
    assert np.abs(difference).max() <= 8
    assert abs(difference.mean()) < 0.05


def test_a_mark_of_luminance_alone_is_the_same(painting):
    plane = cv2.cvtColor(painting, cv2.COLOR_BGR2GRAY)
    Watermark(NUMBER).add(plane)
    found = read_mark([plane])
    assert found is not None
    assert found.number == NUMBER


@pytest.mark.parametrize("peak", [1023, 65535])
def test_deep_samples_keep_their_depth(painting, peak):
    grey = cv2.cvtColor(painting, cv2.COLOR_BGR2GRAY)
    deep = (grey.astype(np.float64) * peak / 255).astype(np.uint16)
    before = deep.copy()
    deep[:2] = before[:2] = peak  # white stays white: nothing wraps around
    Watermark(NUMBER).add(deep, peak)
    assert deep.max() <= peak
    assert deep[:2].min() > 0.9 * peak
    assert (deep % (peak // 255 + 1) != 0).any()
    found = read_mark([(deep / (peak / 255)).astype(np.uint8)])
    assert found is not None
    assert found.number == NUMBER


def test_black_and_white_do_not_wrap_around():
    for level in (0, 255):
        picture = np.full((200, 300, 3), level, np.uint8)
        Watermark(NUMBER).add(picture)
        assert np.abs(picture.astype(int) - level).max() < 8


def test_frames_together_say_what_one_cannot():
    random = np.random.default_rng(2)
    faint = 128 + 0.4 * Watermark(NUMBER).levels((640, 480))
    frames = [
        np.clip(faint + random.normal(0, 55, faint.shape), 0, 255).astype(np.uint8)
        for _ in range(24)
    ]
    assert all(read_mark([frame], search=False) is None for frame in frames[:4])
    together = read_mark(frames, search=False)
    assert together is not None
    assert together.number == NUMBER


@given(st.integers(0, 2**NUMBER_BITS - 1), st.integers(0, 31))
def test_a_wrong_bit_is_noticed(number, bit):
    word = number << 12 | check_bits(number)
    turned = word ^ (1 << bit)
    assert check_bits(turned >> 12) != turned & 0xFFF
    assert len(code_word(number)) == 32


def test_the_patterns_are_the_same_for_good():
    tiles = patterns()
    assert tiles.shape == (33, TILE, TILE)
    flat = tiles.reshape(33, -1)
    np.testing.assert_allclose(flat @ flat.T / TILE**2, np.eye(33), atol=1e-9)
    # Marks of earlier versions must stay readable.
    signs = np.packbits(tiles[0] > 0)[:8].tobytes().hex()
    assert signs == "f038f7f90f838f8c"


def test_numbers():
    assert 0 <= new_number() < 2**NUMBER_BITS
    assert number_of("a", "b") == number_of("a", "b") != number_of("ab", "")
    assert Watermark(0x3F).statement() == {"scheme": "masquerade-1", "number": "0003f"}
    assert SHORT_SIDE % TILE == 0
