from __future__ import annotations

import cv2
import numpy as np
import pytest
from donor_photos import psnr
from network_doubles import scene

from masquerade.geometry.templates import align, warp_crop
from masquerade.stages.face_color import match_color, match_light, match_mean
from masquerade.stages.face_masks import box_mask, mesh_mask


@pytest.fixture(scope="module")
def crop() -> tuple[np.ndarray, np.ndarray]:
    frame, landmarks, kps = scene()
    matrix = align(kps, "ffhq_512", 256)
    return warp_crop(frame, matrix, 256), mesh_mask(landmarks, matrix, 256)


def _tinted(picture: np.ndarray, gain: tuple[float, float, float]) -> np.ndarray:
    return np.clip(picture * np.array(gain), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("match", [match_mean, match_light])
@pytest.mark.parametrize("gain", [(1.0, 0.85, 0.7), (0.6, 0.6, 0.6), (0.9, 0.95, 1.05)])
def test_another_light_is_taken_back(crop, match, gain):
    target, mask = crop
    swapped, inside = _tinted(target, gain), mask > 200
    matched = match(swapped, target, mask)
    assert psnr(matched[inside], target[inside]) > psnr(swapped[inside], target[inside]) + 8


@pytest.mark.parametrize("match", [match_mean, match_light])
def test_a_face_in_the_right_colours_stays_as_it_is(crop, match):
    target, mask = crop
    matched = match(target, target, mask)
    assert np.abs(matched.astype(int) - target).max() <= 2


def test_light_from_one_side_is_taken_over_by_place_alone(crop):
    target, mask = crop
    ramp = np.linspace(0.6, 1.2, 256)[None, :, None]
    lit, inside = np.clip(target * ramp, 0, 255).astype(np.uint8), mask > 200
    by_place = psnr(match_light(target, lit, mask)[inside], lit[inside])
    as_a_whole = psnr(match_mean(target, lit, mask)[inside], lit[inside])
    assert by_place > as_a_whole + 6


def test_features_are_not_carried_over_with_the_light(crop):
    target, mask = crop
    flat = np.full_like(target, 140)
    matched = match_light(flat, target, mask).astype(float)
    eye = (slice(110, 130), slice(80, 115))
    assert (matched[eye].std(axis=(0, 1)) < 0.35 * target[eye].std(axis=(0, 1))).all()


def test_what_lies_outside_the_mask_has_no_say(crop):
    target, mask = crop
    loud = target.copy()
    loud[mask == 0] = (255, 0, 255)
    swapped = _tinted(target, (0.8, 0.9, 1.0))
    inside = mask == 255
    for match in (match_mean, match_light):
        plain, other = match(swapped, target, mask), match(swapped, loud, mask)
        assert np.abs(plain[inside].astype(int) - other[inside]).mean() < 1.5


def test_a_mask_that_shows_nothing_changes_nothing(crop):
    target, _ = crop
    nothing = np.zeros((256, 256), np.uint8)
    swapped = _tinted(target, (0.5, 1, 1))
    for match in (match_mean, match_light):
        assert np.array_equal(match(swapped, target, nothing), swapped)


@pytest.mark.parametrize("match", [match_mean, match_light])
@pytest.mark.parametrize("fill", [(0, 0, 0), (255, 255, 255), (0, 0, 255)])
def test_flat_and_extreme_pictures_do_no_harm(match, fill):
    flat = np.full((64, 64, 3), fill, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    mask = box_mask(64, 0.2, 0.0)
    for one, other in ((flat, noise), (noise, flat), (flat, flat)):
        assert match(one, other, mask).dtype == np.uint8


def test_none_is_free(crop):
    target, mask = crop
    assert match_color("none", target, target, mask) is target
    for kind, match in (("mean", match_mean), ("light", match_light)):
        swapped = cv2.flip(target, 1)
        assert np.array_equal(
            match_color(kind, swapped, target, mask), match(swapped, target, mask)
        )
