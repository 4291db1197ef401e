"""The invisible mark: what it says, what it costs the picture, what it outlives."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.media.palette import paletted
from masquerade.trust.watermark import SHORT_SIDE, Watermark, new_number, number_of
from masquerade.trust.watermark_code import NUMBER_BITS, TILE, anchor_tile, heard, tile_of
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


def on_a_screen(picture: np.ndarray) -> np.ndarray:
    screen = np.full((1080, 1920, 3), 40, np.uint8)
    screen[200 : 200 + picture.shape[0], 301 : 301 + picture.shape[1]] = picture
    return screen


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
    "a quarter of the size": lambda p: scaled(p, 0.25),
    "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
    "turned upside down, JPEG of quality 50": lambda p: jpeg(np.rot90(p, 2), 50),
    "a cut part of it, turned": lambda p: np.rot90(cut(p, 0.8)),
    "a part of a recorded screen": lambda p: jpeg(scaled(on_a_screen(p), 0.7), 80),
    "dithered to 256 colours": lambda p: np.asarray(paletted(p).convert("RGB"))[:, :, ::-1],
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_number_outlives(marked, name):
    found = read_mark([ATTACKS[name](marked)])
    assert found is not None
    assert found.number == NUMBER


def test_what_was_done_to_a_picture_is_told(marked):
    found = read_mark([cut(marked, 0.8)])
    assert found is not None
    assert found.scale == pytest.approx(0.8, abs=0.01)
    assert (found.turned, found.mirrored) == (0, False)
    found = read_mark([np.rot90(cut(marked[:, ::-1], 0.8), -1)])  # clockwise
    assert found is not None
    assert (found.turned, found.mirrored) == (90, True)
    found = read_mark([on_a_screen(marked)])
    assert found is not None
    assert found.scale == pytest.approx(1.5, abs=0.01)


def test_each_way_to_turn_a_whole_picture_is_seen_at_once(marked):
    for mirrored in (False, True):
        for quarters in range(4):
            turned = np.rot90(marked[:, ::-1] if mirrored else marked, -quarters)
            found = read_mark([turned], search=False)
            assert found is not None
            assert (found.number, found.turned, found.mirrored, found.scale) == (
                NUMBER,
                90 * quarters,
                mirrored,
                1.0,
            )


@pytest.mark.parametrize("name", ["nothing", "half of it", "JPEG of quality 50"])
def test_nothing_is_found_where_nothing_is(painting, name):
    assert read_mark([ATTACKS[name](painting)]) is None


def test_noise_and_flat_pictures_say_nothing():
    random = np.random.default_rng(5)
    assert read_mark([random.integers(0, 256, (240, 320, 3)).astype(np.uint8)]) is None
    assert read_mark([np.full((240, 320), 90, np.uint8)], search=False) is None
    assert read_mark([]) is None
    assert read_mark([np.zeros((4, 4), np.uint8)]) is None


def test_it_is_faint_and_changes_the_brightness_of_nothing(painting, marked):
    assert cv2.PSNR(painting, marked) > 43.5
    difference = marked.astype(int) - painting
    assert np.abs(difference).max() <= 5
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


def test_small_pictures_have_more_but_never_too_much(painting):
    for size in ((1920, 1080), (640, 480), (320, 180), (88, 72)):
        plain = cv2.resize(painting, size, interpolation=cv2.INTER_AREA)
        picture = plain.copy()
        Watermark(NUMBER).add(picture)
        assert cv2.PSNR(plain, picture) > 42
        found = read_mark([picture], search=False)
        assert found is not None
        assert found.number == NUMBER


def test_a_side_of_a_small_picture_may_be_rounded(painting):
    picture = cv2.resize(painting, (320, 180), interpolation=cv2.INTER_AREA)
    Watermark(NUMBER).add(picture)
    for size in ((240, 134), (240, 136), (134, 240)):
        turned = np.rot90(picture) if size[0] < size[1] else picture
        found = read_mark([cv2.resize(turned, size, interpolation=cv2.INTER_AREA)], search=False)
        assert found is not None
        assert found.number == NUMBER


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
    assert together.pictures > 1


def test_no_more_pictures_are_taken_than_needed(marked):
    taken = []

    def film():
        for index in range(50):
            taken.append(index)
            yield marked

    assert read_mark(film()) is not None
    assert taken == [0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**NUMBER_BITS - 1))
def test_every_number_is_heard_as_itself(number):
    found = heard(tile_of(number).astype(np.float32))
    assert found is not None
    assert found.number == number
    assert found.data > 20
    assert found.anchor > 10


def test_noise_says_no_number_loudly():
    random = np.random.default_rng(7)
    for _ in range(20):
        found = heard(random.standard_normal((TILE, TILE)).astype(np.float32))
        assert found is not None
        assert found.data < 6.5
        assert heard(random.standard_normal((TILE, TILE)).astype(np.float32), 12) is None


def test_the_patterns_are_the_same_for_good():
    tile = tile_of(NUMBER)
    assert tile.shape == (TILE, TILE)
    assert abs(tile.mean()) < 1e-9
    assert tile.std() == pytest.approx(1)
    # Marks of earlier versions must stay readable.
    signs = [np.packbits(each > 0)[:8].tobytes().hex() for each in (anchor_tile(), tile)]
    assert signs == ["1fcfe3e00ffe0fc0", "ffffe3e00ff01ffe"]


def test_numbers():
    assert 0 <= new_number() < 2**NUMBER_BITS
    assert number_of("a", "b") == number_of("a", "b") != number_of("ab", "")
    assert Watermark(0x3F).statement() == {"scheme": "masquerade-2", "number": "0003f"}
    assert SHORT_SIDE % TILE == 0
