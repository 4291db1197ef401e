from __future__ import annotations

import functools

import cv2
import numpy as np
from donor_photos import enroller, psnr, turned

from masquerade.stages.blend import View, blend
from masquerade.stages.identity import Identity
from masquerade.stages.regions import region_mask

ONES = np.ones((256, 256), np.float32)


def _flat(value: int) -> np.ndarray:
    return np.full((1024, 1024, 3), value, np.uint8)


def test_one_view_is_returned_as_it_is():
    view = View(_flat(90), 0.5 * ONES, ONES)
    mixed = blend([view])
    assert mixed.texture is view.texture
    assert mixed.trust is view.trust


def test_light_is_brought_to_the_best_view():
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 4, (1024, 1024, 1))
    bright = np.clip(180 + grain, 0, 255).repeat(3, -1).astype(np.uint8)
    dark = np.clip(90 + grain / 2, 0, 255).repeat(3, -1).astype(np.uint8)
    left, right = ONES.copy(), ONES.copy()
    left[:, 170:], right[:, :110] = 0, 0
    mixed = blend([View(bright, left, ONES), View(dark, right, 0.5 * ONES)])
    rows = mixed.texture[400:600, 50:970].astype(float).mean((0, 2))
    assert np.abs(rows - 180).max() < 8


def test_each_eye_and_the_mouth_come_whole_from_one_photo():
    views = [View(_flat(100), ONES, ONES, rank=0.2), View(_flat(100), 0.9 * ONES, ONES, rank=0.9)]
    marked = views[1].texture.copy()
    mouth = region_mask("lips", 1024) > 0.5
    marked[mouth] = 140
    mixed = blend([views[0], View(marked, 0.9 * ONES, ONES, rank=0.9)])
    assert mixed.mouth == 1
    assert mixed.eyes == (1, 1)
    core = cv2.erode(mouth.astype(np.uint8), np.ones((25, 25))) > 0
    assert mixed.texture[core].mean() > 125


def test_trust_is_that_of_the_best():
    one, other = 0.3 * ONES, 0.8 * ONES
    mixed = blend([View(_flat(1), one, ONES), View(_flat(1), other, ONES)])
    assert np.allclose(mixed.trust, 0.8)


@functools.cache
def _enrolled(*yaws: float) -> Identity:
    return Identity.from_photos([turned(yaw) for yaw in yaws], enroller=enroller())


def test_two_turned_photos_know_more_than_one():
    truth = _enrolled(0)
    inside = cv2.erode((truth.coverage > 250).astype(np.uint8), np.ones((41, 41))) > 0

    def likeness(identity: Identity) -> float:
        apart = identity.texture.astype(np.float32) - truth.texture
        apart -= cv2.GaussianBlur(apart, (0, 0), 40)  # light is the renderer's, detail is ours
        return psnr(apart[inside], np.zeros(1))

    both, left, right = (likeness(_enrolled(*yaws)) for yaws in ((-38, 38), (-38,), (38,)))
    assert both > max(left, right) + 0.2
    assert _enrolled(-38, 38).photos == 2


def test_the_covered_share_grows_with_the_photos():
    one, both = (_enrolled(*yaws).coverage.astype(float).mean() for yaws in ((-38,), (-38, 38)))
    assert both >= one


def test_turned_photos_of_both_sides_are_not_blamed_for_it():
    assert any("turned aside" in line for line in _enrolled(38).advice)
    assert not any("turned aside" in line for line in _enrolled(-38, 38).advice)
