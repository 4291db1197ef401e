"""What networks are fed, number by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from masquerade.models.normalisation import Normalisation

PIXEL = np.array([[[[10, 100, 250]]]], np.uint8)  # blue, green, red


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        (Normalisation(), (250 / 255, 100 / 255, 10 / 255)),
        (Normalisation(color="bgr"), (10 / 255, 100 / 255, 250 / 255)),
        (
            Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3),
            ((250 - 127.5) / 127.5, (100 - 127.5) / 127.5, (10 - 127.5) / 127.5),
        ),
        (
            Normalisation(mean=(0.5,) * 3, std=(128 / 255,) * 3, color="bgr"),
            ((10 - 127.5) / 128, (100 - 127.5) / 128, (250 - 127.5) / 128),
        ),
        (
            Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
            (
                (250 / 255 - 0.485) / 0.229,
                (100 / 255 - 0.456) / 0.224,
                (10 / 255 - 0.406) / 0.225,
            ),
        ),
        (Normalisation(std=(1 / 255,) * 3, color="bgr"), (10, 100, 250)),
    ],
)
def test_values_and_order_of_the_channels(normalisation, expected):
    blob = normalisation.encode(PIXEL)
    assert blob.shape == (1, 3, 1, 1)
    assert blob.dtype == np.float32
    np.testing.assert_allclose(blob.reshape(3), expected, rtol=1e-6, atol=1e-6)


def test_channels_last():
    blob = Normalisation(layout="nhwc", color="bgr").encode(PIXEL)
    assert blob.shape == (1, 1, 1, 3)
    np.testing.assert_allclose(blob.reshape(3), np.array([10, 100, 250]) / 255, rtol=1e-6)
    assert blob.flags["C_CONTIGUOUS"]


def test_half_precision_is_fed_where_it_is_asked_for():
    assert Normalisation().encode(PIXEL, np.dtype(np.float16)).dtype == np.float16


@given(
    arrays.arrays(np.uint8, (2, 3, 5, 3)),
    st.sampled_from(["rgb", "bgr"]),
    st.sampled_from(["nchw", "nhwc"]),
)
def test_what_is_fed_comes_back_the_same(pixels, color, layout):
    there = Normalisation(
        mean=(0.5,) * 3, std=(0.5,) * 3, output_mean=0.5, output_std=0.5, color=color, layout=layout
    )
    np.testing.assert_array_equal(there.decode(there.encode(pixels)), pixels)


def test_results_are_rounded_and_cut():
    values = np.array([-1.0, 0.0, 0.499 / 255, 0.501 / 255, 1.0, 7.0, np.nan, np.inf], np.float32)
    output = np.broadcast_to(values, (1, 3, 1, 8))
    assert Normalisation().decode(output)[0, 0, :, 0].tolist() == [0, 0, 0, 1, 255, 255, 0, 255]
