"""The label: legible, inside the frame, blended on its own box alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.trust.badge import Badge, make_badge

STYLES = ("small", "gb45438")


def ink_rows(pixels: np.ndarray) -> int:
    """Height in rows of what is brighter than the backdrop's own grey on a black frame."""
    rows = np.flatnonzero((pixels.max(axis=2) > 60).any(axis=1))
    return int(rows[-1] - rows[0] + 1)


@pytest.mark.parametrize("style", STYLES)
@given(width=st.integers(1, 700), height=st.integers(1, 700))
def test_places_lie_inside_the_frame(style: str, width: int, height: int) -> None:
    for x0, y0, x1, y1 in Badge(style).places((width, height)):
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height


@pytest.mark.parametrize("size_wh", [(320, 240), (1280, 720), (720, 1280), (3840, 2160)])
def test_gb45438_characters_reach_five_percent_of_the_short_side(size_wh: tuple[int, int]) -> None:
    pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    badge = Badge("gb45438")
    badge.draw(pixels, badge.places(size_wh)[0])
    assert ink_rows(pixels) >= 0.05 * min(size_wh) - 1


def test_small_label_stays_legible_at_320_and_small_at_1080() -> None:
    for size_wh, least, most in (((320, 240), 8, 12), ((1920, 1080), 22, 27)):
        pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
        badge = Badge("small")
        badge.draw(pixels, badge.places(size_wh)[0])
        assert least <= ink_rows(pixels) <= most


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_ink_stands_out_on_any_ground(style: str, grey: int) -> None:
    pixels = np.full((360, 640, 3), grey, np.uint8)
    badge = Badge(style)
    x0, y0, x1, y1 = badge.places((640, 360))[0]
    badge.draw(pixels, (x0, y0, x1, y1))
    drawn = pixels[y0:y1, x0:x1].astype(int)
    assert drawn.max() - np.median(drawn) > 90
    assert np.median(drawn) <= grey / 2 + 1


@pytest.mark.parametrize("style", STYLES)
def test_only_the_box_is_touched(style: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)
    badge = Badge(style)
    for x0, y0, x1, y1 in badge.places((300, 200)):
        pixels = noise.copy()
        badge.draw(pixels, (x0, y0, x1, y1))
        assert (pixels[y0:y1, x0:x1] != noise[y0:y1, x0:x1]).any()
        pixels[y0:y1, x0:x1] = noise[y0:y1, x0:x1]
        assert np.array_equal(pixels, noise)


def test_words_of_the_two_styles_differ_and_edges_are_smooth() -> None:
    shapes = set()
    for style in STYLES:
        pixels = np.zeros((720, 1280, 3), np.uint8)
        badge = Badge(style)
        x0, y0, x1, y1 = badge.places((1280, 720))[0]
        badge.draw(pixels, (x0, y0, x1, y1))
        drawn = pixels[y0:y1, x0:x1, 0]
        shapes.add(round(drawn.shape[1] / drawn.shape[0], 1))
        assert len(np.unique(drawn)) > 20
    assert len(shapes) == 2


def test_a_picture_too_small_for_a_word_has_no_place() -> None:
    assert Badge("small").places((6, 6)) == ()
    assert Badge("small").places((12, 12)) != ()


def test_none_is_no_badge() -> None:
    assert make_badge("none") is None
    assert make_badge("gb45438").seconds == 2.0
    assert make_badge("small").seconds is None
