"""The content check, with a classifier of the same input and output whose scores are scripted."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from masquerade.core.errors import ContentError, ModelError
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.models.content import content_crop
from masquerade.stages.content import STRICT_THRESHOLD, ContentCheck, Veil

RED = (0, 0, 255)
GREEN = (0, 255, 0)


class RedIsRefused:
    """Scores a picture by its share of red: takes and gives what the network does."""

    def __init__(self) -> None:
        self.asked = 0
        self.threads: set[str] = set()

    def score(self, crop_bgr: NDArray[np.uint8]) -> float:
        assert crop_bgr.shape == (224, 224, 3)
        assert crop_bgr.dtype == np.uint8
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        return float(crop_bgr[..., 2].mean()) / 255


def picture(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((90, 160, 3), colour, np.uint8)


def job(colour=GREEN, seq: int = 0, fps: int = 10, scene: int = 0) -> FrameJob:
    frame = Frame(picture(colour), seq, seq, Fraction(1, fps))
    return FrameJob(frame, scene=scene)


def check(settings: Settings | None = None, *, live: bool = False):
    network = RedIsRefused()
    return ContentCheck(network, content_crop, settings or Settings(), live=live), network


def settled(stage: ContentCheck, one: FrameJob) -> FrameJob:
    """The job after the check that it has begun aside is over."""
    stage.process(one)
    if stage._thread is not None:
        stage._thread.join()
    return one


def test_a_still_is_refused() -> None:
    stage, _ = check()
    with pytest.raises(ContentError, match=r"choose another one"):
        stage.process(job(RED))


def test_a_harmless_still_passes_and_its_score_is_kept() -> None:
    stage, network = check()
    assert not stage.process(job()).failures
    assert network.asked == 1
    assert stage.highest == pytest.approx(0.0)


def test_a_refused_stream_stays_refused_until_another_begins() -> None:
    stage, _ = check()
    for seq in range(3):
        with pytest.raises(ContentError):
            stage.process(job(RED, seq))
    stage.reset()
    stage.process(job())


def test_a_file_is_looked_at_once_a_second() -> None:
    stage, network = check()
    for seq in range(31):
        stage.process(job(seq=seq))
    assert network.asked == 4


def test_a_file_is_looked_at_after_every_cut() -> None:
    stage, network = check()
    for seq in range(10):
        stage.process(job(seq=seq, scene=int(seq >= 4)))
    assert network.asked == 2


def test_cuts_in_every_frame_cost_five_looks_a_second_at_most() -> None:
    stage, network = check()
    for seq in range(50):
        stage.process(job(seq=seq, fps=50, scene=seq))
    assert network.asked <= 5


def test_a_file_that_turns_bad_is_refused_within_a_second() -> None:
    stage, _ = check()
    with pytest.raises(ContentError):
        for seq in range(21):
            stage.process(job(GREEN if seq < 10 else RED, seq))


def test_chance_is_confirmed_by_the_mirrored_picture() -> None:
    class OneSided(RedIsRefused):
        def score(self, crop_bgr: NDArray[np.uint8]) -> float:
            return float(crop_bgr[0, 0, 2]) / 255

    pixels = picture(GREEN)
    pixels[:, :80] = RED
    stage = ContentCheck(OneSided(), content_crop, Settings())
    assert not stage.process(FrameJob(Frame(pixels))).failures
    assert stage.highest == pytest.approx(0.5)


def test_the_threshold_is_a_setting() -> None:
    reddish = (0, 0, 180)  # scores 0.71
    check()[0].process(job(reddish))
    stage, _ = check(Settings(content_threshold=0.6))
    with pytest.raises(ContentError):
        stage.process(job(reddish))


def test_switched_off_it_does_not_look() -> None:
    stage, network = check(Settings(content_check=False))
    assert not stage.process(job(RED)).failures
    assert network.asked == 0


def test_where_somebody_looks_young_it_cannot_be_switched_off_and_is_strict() -> None:
    stage, network = check(Settings(content_check=False))
    stage.insist()
    assert stage.threshold == STRICT_THRESHOLD
    with pytest.raises(ContentError):
        stage.process(job((0, 0, 180)))
    assert network.asked == 2


def test_settings_change_while_it_runs() -> None:
    stage, network = check()
    stage.process(job())
    stage.configure(Settings(content_check=False))
    stage.process(job(RED, 20))
    stage.configure(Settings())
    with pytest.raises(ContentError):
        stage.process(job(RED, 40))
    assert network.asked == 3


# Live


def test_live_the_first_frame_waits_and_no_other_does() -> None:
    stage, network = check(live=True)
    here = threading.current_thread().name
    stage.process(job())
    assert network.threads == {here}
    settled(stage, job(seq=10))
    assert network.threads == {here, "masquerade-content"}
    assert not any(t.name == "masquerade-content" for t in threading.enumerate())


def test_live_a_hit_hides_at_once_and_three_end_the_stream() -> None:
    stage, _ = check(live=True)
    hidden = [bool(settled(stage, job(RED, seq)).failures) for seq in (0, 5, 10, 15)]
    assert hidden == [True, True, True, True]
    with pytest.raises(ContentError):
        settled(stage, job(RED, 20))
        stage.process(job(RED, 21))


def test_live_a_harmless_picture_shows_the_stream_again() -> None:
    stage, _ = check(live=True)
    assert settled(stage, job(RED)).failures
    settled(stage, job(GREEN, 10))
    assert not stage.process(job(GREEN, 11)).failures
    for seq in range(20, 100, 10):  # never three in a row
        settled(stage, job(RED if seq % 20 else GREEN, seq))


def test_a_check_that_takes_long_is_not_begun_twice() -> None:
    go_on = threading.Event()

    class Slow(RedIsRefused):
        def score(self, crop_bgr: NDArray[np.uint8]) -> float:
            if self.asked:
                go_on.wait(10)
            return super().score(crop_bgr)

    network = Slow()
    stage = ContentCheck(network, content_crop, Settings(), live=True)
    for seq in range(0, 60, 10):
        stage.process(job(seq=seq))
    go_on.set()
    stage.reset()
    assert network.asked == 2


@pytest.mark.parametrize("live", [False, True])
def test_a_network_that_fails_lets_nothing_pass(live: bool) -> None:
    class Broken:
        def score(self, crop_bgr: NDArray[np.uint8]) -> float:
            raise ModelError("The network failed.")

    stage = ContentCheck(Broken(), content_crop, Settings(), live=live)
    for seq in range(3):
        with pytest.raises(ModelError):
            stage.process(job(seq=seq))


def test_the_veil_covers_what_is_hidden_and_nothing_else() -> None:
    stage, _ = check(live=True)
    hidden, shown = stage.process(job(RED)), job(GREEN)
    assert np.ptp(Veil().process(hidden).output) == 0
    assert not (hidden.output == picture(RED)).all(axis=2).any()
    assert Veil().process(shown).output is shown.frame.pixels


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (255, 256), (1080, 1920)])
def test_every_size_is_cropped(size: tuple[int, int]) -> None:
    crop = content_crop(np.full((*size, 3), 77, np.uint8))
    assert crop.shape == (224, 224, 3)
    assert (crop == 77).all()
