"""Tiles cover a picture, fade into each other without a seam, and cost no more for a larger one."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.core.errors import ModelError, SettingsError
from masquerade.runtime.tiles import enhance_tiled, fitted_side, spans


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(3, 100), st.data())
def test_spans_cover_a_side_and_fade_within_what_both_show(length, tile, data):
    overlap = data.draw(st.integers(0, tile // 3))
    length = max(length, tile)
    found = spans(length, tile, overlap)
    assert found[0].first == 0
    assert found[-1].last == length
    assert found[-1].start + tile == length
    for before, after in pairwise(found):
        assert before.last == after.first
        assert after.start <= after.first
        assert after.first + overlap <= before.start + tile
        assert after.last - after.first >= overlap  # no pixel fades between more than two


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 13), st.sampled_from([1, 2]))
def test_a_pointwise_enhancer_gives_the_same_with_and_without_tiles(height, width, overlap, scale):
    picture = noise(height, width)

    def enhance(tile: np.ndarray) -> np.ndarray:
        return np.kron(255 - tile, np.ones((scale, scale, 1), np.uint8))

    tiled = enhance_tiled(enhance, picture, (40, 44), overlap)
    np.testing.assert_array_equal(tiled, enhance(picture))


def test_the_step_at_a_seam_is_at_most_the_difference_by_the_overlap():
    """The worst enhancer: each tile comes back in another grey, 0 or 200."""
    greys = iter(np.tile([0, 200], 200))
    overlap = 24

    def enhance(tile: np.ndarray) -> np.ndarray:
        return np.full_like(tile, next(greys))

    result = enhance_tiled(enhance, noise(300, 500), (100, 80), overlap).astype(int)
    bound = 200 / (overlap + 1) + 1  # one level of rounding
    assert np.abs(np.diff(result, axis=0)).max() <= bound
    assert np.abs(np.diff(result, axis=1)).max() <= bound
    assert result.min() == 0
    assert result.max() == 200


def test_an_enhancer_with_reach_differs_from_the_whole_only_where_tiles_end():
    """A blur sees another edge at a tile's border; the fade hides it: no step, small error."""
    smooth = cv2.resize(noise(12, 18), (480, 320), interpolation=cv2.INTER_CUBIC)

    def enhance(tile: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(tile, (0, 0), 4)

    whole, tiled = enhance(smooth), enhance_tiled(enhance, smooth, (128, 128), 40)
    error = np.abs(whole.astype(int) - tiled)
    hard = enhance_tiled(enhance, smooth, (128, 128), 0)
    assert error.max() <= 2
    assert np.abs(whole.astype(int) - hard).max() > 4 * error.max()


def test_tiles_cost_no_more_memory_for_a_larger_picture():
    def extra(side: int) -> int:
        picture = noise(side, side)
        tracemalloc.start()
        enhance_tiled(lambda tile: 255 - tile, picture, (128, 128), 32)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - picture.nbytes  # the result itself is as large as the picture

    small, large = extra(256), extra(2048)
    assert large < small + 200_000, (small, large)


def test_what_cannot_be_tiled_is_an_error_in_a_sentence():
    with pytest.raises(SettingsError, match="at most a third"):
        enhance_tiled(lambda tile: tile, noise(50, 50), (30, 40), 11)
    with pytest.raises(ModelError, match="no whole multiple"):
        enhance_tiled(lambda tile: tile[:20], noise(50, 50), (30, 40), 10)


@settings(deadline=None)
@given(st.integers(1, 9000), st.integers(4, 128), st.integers(0, 32))
def test_fitted_tiles_cover_a_side_and_less_is_drawn_twice(length, steps, overlap):
    most = 16 * steps
    overlap = min(overlap, most // 4)
    side = fitted_side(length, most, overlap, 16)
    assert side % 16 == 0
    assert 0 < side <= most
    count = len(spans(max(length, side), side, min(overlap, side // 3)))
    longest = len(spans(max(length, most), most, overlap))
    assert count <= longest
    assert count * side < length + (count - 1) * overlap + count * 16
