from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from masquerade.core.frame import Failure, Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.pipeline.conceal import Concealment

RAW = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def good(number: int = 0, rate: int = 25, value: int = 77) -> FrameJob:
    job = FrameJob(Frame(RAW, number, number, Fraction(1, rate)))
    job.writable_output()[:] = value
    return job


def lost(number: int = 1, rate: int = 25) -> FrameJob:
    job = FrameJob(Frame(RAW, number, number, Fraction(1, rate)))
    job.failures.append(Failure("track", "made to fail"))
    return job


@pytest.mark.parametrize(("rate", "frames"), [(5, 1), (25, 5), (50, 10)])
def test_a_picture_is_held_for_the_set_time_whatever_the_rate(rate: int, frames: int) -> None:
    stage = Concealment("hold", 0.2)
    stage.process(good(0, rate))
    outputs = [stage.process(lost(number, rate)).output for number in range(1, 2 * rate)]
    assert [bool((output == 77).all()) for output in outputs].count(True) == frames
    assert all(not np.array_equal(output, RAW) for output in outputs)


def test_a_picture_that_is_too_old_is_not_held() -> None:
    stage = Concealment("hold", 0.2)
    stage.process(good())
    for number in range(1, 25):
        stage.process(FrameJob(Frame(RAW, number, number, Fraction(1, 25))))
    assert not (stage.process(lost(25)).output == 77).any(2).all()


def test_pass_leaves_the_picture_as_it_stands() -> None:
    stage = Concealment("pass", 0.2)
    stage.process(good())
    job = stage.process(lost())
    assert job.output is job.frame.pixels


def test_what_was_forgotten_is_not_held() -> None:
    stage = Concealment("hold", 20)
    stage.process(good())
    stage.forget()
    shown = stage.process(lost()).output
    assert not (shown == 77).all()
    assert not np.array_equal(shown, RAW)


def test_other_settings_hold_from_the_next_frame_on() -> None:
    stage = Concealment("hold", 20)
    stage.process(good())
    stage.configure(Settings(on_lost="blank"))
    assert (stage.process(lost()).output == 0).all()
    stage.configure(Settings(on_lost="hold", hold_s=1))
    assert (stage.process(lost(2)).output == 77).all()
