"""Warps in four channels give what warps in three and one give."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from masquerade.geometry.warp import warp_picture, warp_with_mask

RNG = np.random.default_rng(7)
NOISE = RNG.integers(0, 256, (240, 320, 3), np.uint8)
SMOOTH = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), 6), np.uint8)


def similarity(scale: float, turn: float, middle_xy: tuple[float, float], side: int) -> np.ndarray:
    """The map that brings ``middle_xy`` of a picture to the middle of a square of that side."""
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    matrix[:, 2] = side / 2 - matrix[:, :2] @ middle_xy
    return matrix


@pytest.mark.parametrize("mode", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
@pytest.mark.parametrize("middle", [(160, 120), (5, 230), (-60, 120), (900, 900)])
@pytest.mark.parametrize(("scale", "side"), [(0.6, 140), (1.0, 160), (3.0, 256), (0.5, 60)])
def test_a_part_gives_what_the_whole_picture_gives(mode, middle, scale, side):
    matrix = similarity(scale, 0.3, middle, side)
    whole = cv2.warpAffine(NOISE, matrix, (side, side), borderMode=mode)
    got = warp_picture(NOISE, matrix, (side, side), mode)
    difference = cv2.absdiff(got, whole)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.005


def test_a_picture_is_not_changed_and_need_not_be_square():
    before = NOISE.copy()
    got = warp_picture(NOISE, similarity(1.0, 0.0, (160, 120), 200), (200, 130), 0)
    assert got.shape == (130, 200, 3)
    assert np.array_equal(NOISE, before)


def test_a_map_that_is_no_map_is_left_to_opencv():
    matrix = np.zeros((2, 3))
    whole = cv2.warpAffine(SMOOTH, matrix, (200, 200))
    assert np.array_equal(warp_picture(SMOOTH, matrix, (200, 200), 0), whole)


@pytest.mark.parametrize("scale", [0.7, 1.0, 4.0])
@pytest.mark.parametrize("middle", [(160, 120), (0, 0), (330, 250)])
def test_picture_and_mask_together_are_the_two_alone(scale, middle):
    mask = RNG.integers(0, 256, NOISE.shape[:2], np.uint8)  # up to its very edge
    back = np.asarray(cv2.invertAffineTransform(similarity(scale, -0.2, middle, 300)))
    size, linear = (300, 280), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels, cover = warp_with_mask(NOISE, mask, back, size)
    alone = cv2.warpAffine(NOISE, back, size, flags=linear, borderMode=cv2.BORDER_REPLICATE)
    mask_alone = cv2.warpAffine(mask, back, size, flags=linear, borderMode=cv2.BORDER_CONSTANT)
    assert cv2.absdiff(pixels, alone).max() <= 1
    assert cv2.absdiff(cover, mask_alone).max() <= 1
    assert pixels.shape == (280, 300, 3)
    assert pixels.flags.c_contiguous
    assert cover.flags.c_contiguous


def test_outside_a_mask_that_is_full_nothing_is_shown():
    mask = np.full(SMOOTH.shape[:2], 255, np.uint8)
    back = np.array([[1.0, 0.0, -50.0], [0.0, 1.0, -50.0]])
    _, cover = warp_with_mask(SMOOTH, mask, back, (420, 340))
    assert cover[:49].max() == 0
    assert cover[:, :49].max() == 0
    assert cover[50:290, 50:370].min() == 255
