"""The stage that draws whole pictures with more detail."""

from __future__ import annotations

import numpy as np

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.stages.enhance_frame import EnhanceFrame
from masquerade.testing import assert_stage_contract

PIXELS = np.random.default_rng(1).integers(0, 200, (40, 60, 3), np.uint8)


def brighter(picture: np.ndarray) -> np.ndarray:
    return picture + np.uint8(50)


def jobs() -> list[FrameJob]:
    return [FrameJob(Frame(PIXELS.copy(), seq)) for seq in range(3)]


def test_it_keeps_what_every_stage_must():
    assert_stage_contract(EnhanceFrame(brighter, Settings()), jobs)


def test_as_much_of_the_enhanced_picture_is_taken_as_was_asked_for():
    for share in (0.0, 0.5, 1.0):
        (job, *_) = jobs()
        EnhanceFrame(brighter, Settings(enhancer_blend=share)).process(job)
        np.testing.assert_allclose(job.output, PIXELS + 50 * share, atol=0.51)


def test_a_picture_that_comes_back_as_it_is_stays_so():
    (job, *_) = jobs()
    EnhanceFrame(lambda picture: picture, Settings()).process(job)
    np.testing.assert_array_equal(job.output, PIXELS)
