from __future__ import annotations

import numpy as np
import pytest

from masquerade.runtime.half_check import fault_of
from masquerade.runtime.network import Port
from masquerade.runtime.plausible_input import face_picture, plausible_feeds

PICTURE = face_picture(64, 64).transpose(2, 0, 1)[None]
NOISE = np.random.default_rng(0).normal(size=PICTURE.shape).astype(np.float32)


def test_a_sound_network_passes() -> None:
    assert fault_of([PICTURE + 0.005 * NOISE], [PICTURE], "fp16") == ""
    assert fault_of([PICTURE], None, "fp16") == ""


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_found(value: float) -> None:
    broken = PICTURE.copy()
    broken[0, 1, 3, 3] = value
    assert fault_of([broken], [PICTURE], "fp16") == "gives values that are not numbers"
    assert fault_of([broken], None, "fp16") == "gives values that are not numbers"


def test_black_is_found() -> None:
    assert fault_of([0 * PICTURE], [PICTURE], "fp16") == "gives a black picture"
    assert fault_of([0 * PICTURE], None, "fp16") == "gives nothing but zeros"


def test_what_is_far_from_the_reference_is_found() -> None:
    off = PICTURE + 0.15 * NOISE
    assert fault_of([off], [PICTURE], "fp16").startswith("is off (1")
    assert fault_of([off], [PICTURE], "int8") == ""  # how close that is is measured elsewhere
    assert fault_of([1 - PICTURE], [PICTURE], "int8").startswith("is off")


def test_every_output_counts() -> None:
    assert fault_of([PICTURE, 0 * PICTURE], [PICTURE, PICTURE], "fp16") != ""
    assert fault_of([PICTURE], [PICTURE, PICTURE], "fp16") != ""
    assert fault_of([PICTURE[..., :9]], [PICTURE], "fp16") != ""


def port(shape: tuple[int | None, ...], kind: type = np.float32) -> Port:
    return Port("x", shape, np.dtype(kind))


def test_plausible_inputs_follow_the_ports() -> None:
    first = plausible_feeds([port((1, 3, 48, 64))])["x"]
    last = plausible_feeds([port((None, 48, 64, 3))])["x"]
    assert (first.shape, last.shape) == ((1, 3, 48, 64), (1, 48, 64, 3))
    np.testing.assert_array_equal(first, last.transpose(0, 3, 1, 2))
    assert 0 <= first.min() < 0.4 < 0.6 < first.max() <= 1
    whole = plausible_feeds([port((1, 48, 64, 3), np.uint8)])["x"]
    np.testing.assert_array_equal(whole, (last * 255).astype(np.uint8))
    open_size = plausible_feeds([port((None, 3, None, None), np.float16)])["x"]
    assert open_size.shape == (1, 3, 256, 256)
    assert open_size.dtype == np.float16


def test_plausible_vectors_are_of_unit_length_and_values_a_half() -> None:
    vector = plausible_feeds([port((1, 512))])["x"]
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert np.abs(vector).max() < 0.1
    assert plausible_feeds([port((1,), np.float64)])["x"].tolist() == [0.5]
    again = plausible_feeds([port((1, 512))])["x"]
    np.testing.assert_array_equal(vector, again)
