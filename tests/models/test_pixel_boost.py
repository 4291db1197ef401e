"""Larger faces out of interleaved small ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import open_swapper, portrait

from masquerade.core.errors import ModelError
from masquerade.models.pixel_boost import merge_phases, split_phases, swap_boosted


@given(st.integers(1, 5), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_split_and_merged_is_the_same_bit_for_bit(step, size, seed):
    crop = np.random.default_rng(seed).integers(0, 256, (size * step, size * step, 3), np.uint8)
    np.testing.assert_array_equal(merge_phases(split_phases(crop, size)), crop)


@given(st.integers(1, 4), st.integers(2, 9))
def test_every_phase_holds_each_nth_pixel(step, size):
    crop = np.random.default_rng(0).integers(0, 256, (size * step, size * step, 3), np.uint8)
    phases = split_phases(crop, size)
    for row in range(step):
        for column in range(step):
            expected = crop[row::step, column::step]
            np.testing.assert_array_equal(phases[row * step + column], expected)


@pytest.mark.parametrize("size", [128, 256, 512])
def test_a_boosted_swap_is_the_swap_of_every_phase(size, tmp_path):
    swapper = open_swapper("inswapper_128", tmp_path)
    code = swapper.encode([portrait(1)])
    crop = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    (boosted,), masks = swap_boosted(swapper, crop[None], [code])
    assert boosted.shape == crop.shape
    assert masks is None
    step = size // 128
    phase = swapper.swap(crop[step - 1 :: step, 0::step][None], [code])[0]
    np.testing.assert_array_equal(boosted[step - 1 :: step, 0::step], phase)


def test_the_target_is_embedded_once_however_many_phases(tmp_path):
    swapper = open_swapper("inswapper_128", tmp_path)
    code = swapper.encode([portrait(1)])
    feeds = swapper._embedder.network.feeds
    before = len(feeds)
    swap_boosted(swapper, np.zeros((1, 512, 512, 3), np.uint8), [code], weight=1.0)
    assert len(feeds) == before + 1
    assert len(swapper.network.feeds) == 16


def test_a_size_that_is_no_multiple_is_refused(tmp_path):
    swapper = open_swapper("inswapper_128", tmp_path)
    with pytest.raises(ModelError, match="no multiple of 128"):
        swap_boosted(swapper, np.zeros((1, 200, 200, 3), np.uint8), [swapper.encode([portrait(1)])])


def test_masks_are_boosted_with_their_faces(tmp_path):
    swapper = open_swapper("hyperswap_1a_256", tmp_path)
    code = swapper.encode([portrait(1)])
    crops = np.random.default_rng(0).integers(0, 256, (2, 512, 512, 3), np.uint8)
    faces, masks = swap_boosted(swapper, crops, [code, code])
    assert faces.shape == crops.shape
    assert masks.shape == (2, 512, 512)
    _, phase = swapper.swap_with_masks(crops[1:, 1::2, 0::2], [code])
    np.testing.assert_array_equal(masks[1, 1::2, 0::2], phase[0])
