from __future__ import annotations

import cv2
import numpy as np
import pytest
from donor_photos import donor, enroller, face, turned

from masquerade.stages.clean import find_skin
from masquerade.stages.identity import Identity
from masquerade.stages.quality import assess
from masquerade.stages.unwrap import unwrap


def _reasons(pixels, points, skin=None):
    return " ".join(assess(pixels, points, skin).reasons)


@pytest.fixture
def mona():
    return face("mona").pixels, face("mona").points


def test_a_good_photo_needs_no_advice(mona):
    quality = assess(*mona)
    assert quality.score == 1
    assert quality.reasons == ()


def test_each_fault_lowers_the_score_and_is_named(mona):
    pixels, points = mona
    faults = {
        "blurred": cv2.GaussianBlur(pixels, (0, 0), 5),
        "dark": (pixels * 0.2).astype(np.uint8),
        "burnt out": np.clip(pixels * 2.5, 0, 255).astype(np.uint8),
    }
    for word, picture in faults.items():
        quality = assess(picture, points)
        assert word in " ".join(quality.reasons)
        assert quality.score < 0.9
        assert all(reason.endswith(".") for reason in quality.reasons)


def test_sharpness_does_not_depend_on_size(mona):
    pixels, points = mona
    large = cv2.resize(pixels, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    assert "blurred" not in _reasons(large, points * 3)


def test_a_small_face(mona):
    pixels, points = mona
    small = cv2.resize(pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    assert "px high" in _reasons(small, points * 0.25)
    assert assess(small, points * 0.25).score < assess(pixels, points).score


def test_a_turned_head():
    identity = Identity.from_photos(turned(38), enroller=enroller())
    assert any("turned aside" in line for line in identity.advice)


def test_side_light(mona):
    pixels, points = mona
    x = np.arange(pixels.shape[1]) - points[4, 0]
    lamp = np.where(x > 0, 1.0, 0.4)[None, :, None]
    assert "one side" in _reasons((pixels * lamp).astype(np.uint8), points)


def test_glasses_hat_and_grin_are_named():
    found = face("hopper")
    flat = unwrap(found.pixels, found.points)
    reasons = _reasons(found.pixels, found.points, find_skin(flat.texture, flat.seen))
    assert "Glasses" in reasons
    assert "hides" in reasons
    assert any("smiles" in line for line in donor("astronaut").advice)


def test_a_face_at_the_rim_of_the_picture_is_no_crash(mona):
    pixels, points = mona
    outside = points - np.float32([pixels.shape[1] * 2, 0, 0])
    assert 0 <= assess(pixels, outside).score <= 1
