"""Sound on the clock of the pictures: no gap, no overlap, bounded."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from masquerade.media.sound import Sound


def tone(seconds, *, rate=48_000, layout="stereo", kind="fltp", start_s=0.0, level=0.5):
    """Sound of 440 Hz that begins at a phase of ``start_s``."""
    t = start_s + np.arange(round(seconds * rate)) / rate
    wave = level * np.sin(2 * np.pi * 440 * t)
    channels = 1 if layout == "mono" else 2
    if kind == "fltp":
        samples = np.repeat(wave[None].astype(np.float32), channels, axis=0)
    else:
        samples = np.repeat((wave * 32767).astype(np.int16)[:, None], channels, 1).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, kind, layout)
    frame.sample_rate = rate
    return frame


def heard(frames):
    """All samples of one channel; checks that frames join exactly."""
    for before, after in pairwise(frames):
        assert after.pts == before.pts + before.samples
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def test_what_comes_out_is_normalised():
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(0.5, rate=44_100, layout="mono", kind="s16"), 0.0)
    frames = tap.take(9.0)
    first = frames[0]
    told = first.format.name, first.layout.name, first.sample_rate, first.time_base
    assert told == ("fltp", "stereo", Sound.SAMPLE_RATE, Fraction(1, 48_000))
    samples = heard(frames)
    assert abs(len(samples) - 24_000) < 64
    assert abs(np.abs(samples[1000:20_000]).max() - 0.5) < 0.01
    spectrum = np.abs(np.fft.rfft(samples[:20_000]))
    assert abs(spectrum.argmax() * 48_000 / 20_000 - 440) < 4


def test_jitter_of_a_sender_leaves_no_gap_and_no_overlap():
    sound = Sound()
    tap = sound.tap()
    rng = np.random.default_rng(1)
    for step in range(50):
        at_s = step * 0.02
        sound.feed(tone(0.02, start_s=at_s), at_s + rng.uniform(0, 0.05))
    frames = tap.take(9.0)
    t = np.arange(48_000) / 48_000
    assert frames[0].pts < 0.05 * 48_000
    np.testing.assert_allclose(heard(frames), 0.5 * np.sin(2 * np.pi * 440 * t), atol=1e-5)


def test_a_pause_becomes_silence():
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(0.1), 0.0)
    sound.feed(tone(0.1), 0.6)
    samples = heard(tap.take(9.0))
    assert len(samples) == round(0.7 * 48_000)
    assert not samples[4800:28_800].any()
    assert np.abs(samples[28_800:]).max() > 0.4


def test_sound_that_comes_twice_is_heard_once():
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(1.0, level=0.5), 0.0)
    sound.feed(tone(1.0, level=0.1), 0.5)
    samples = heard(tap.take(9.0))
    assert len(samples) == round(1.5 * 48_000)
    assert np.abs(samples[:48_000]).max() > 0.49
    assert np.abs(samples[48_000:]).max() < 0.11
    sound.feed(tone(1.0), 0.1)
    assert tap.take(9.0) == []


def test_what_was_before_the_first_picture_is_left_out():
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(1.0), -2.0)
    assert tap.take(9.0) == []
    sound.feed(tone(1.0), -0.25)
    (frame,) = tap.take(9.0)
    assert (frame.pts, frame.samples) == (0, 36_000)


def test_sound_that_begins_late_begins_with_silence():
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(0.5), 1.0)
    samples = heard(tap.take(9.0))
    assert len(samples) == 72_000
    assert not samples[:48_000].any()


def test_take_gives_what_begins_before():
    sound = Sound()
    tap = sound.tap()
    for step in range(10):
        sound.feed(tone(0.1), step * 0.1)
    assert [frame.pts for frame in tap.take(0.3)] == [0, 4800, 9600]
    assert tap.take(0.3) == []
    assert len(tap.take(1.0)) == 7


def test_taps_are_independent_and_bounded():
    sound = Sound()
    early, closed = sound.tap(), sound.tap()
    closed.close()
    closed.close()
    for step in range(15):
        sound.feed(tone(1.0), float(step))
        if step == 11:
            late = sound.tap()
    assert closed.take(99) == []
    assert early.lost == 5 * 48_000
    assert [frame.pts // 48_000 for frame in early.take(99)] == list(range(5, 15))
    assert [frame.pts // 48_000 for frame in late.take(99)] == [12, 13, 14]
    assert late.lost == 0


def test_a_long_pause_is_not_filled_in_full():
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(0.1), 0.0)
    sound.feed(tone(0.1), 86_400.0)
    frames = tap.take(1e9)
    assert sum(frame.samples for frame in frames) <= 10 * 48_000
    assert frames[-1].pts == 86_400 * 48_000


@pytest.mark.parametrize("kind", ["fltp", "s16"])
def test_the_format_may_change_and_frames_are_left_as_they_were(kind):
    sound = Sound()
    tap = sound.tap()
    sound.feed(tone(0.5), 0.0)
    other = tone(0.5, rate=16_000, layout="mono", kind=kind)
    other.pts, other.time_base = 77, Fraction(1, 16_000)
    before = other.to_ndarray().copy()
    sound.feed(other, 0.5)
    assert other.pts == 77
    np.testing.assert_array_equal(other.to_ndarray(), before)
    assert abs(len(heard(tap.take(9.0))) - 48_000) < 64


def test_each_tap_has_frames_of_its_own():
    sound = Sound()
    taps = sound.tap(), sound.tap()
    sound.feed(tone(0.1), 0.0)
    (one,), (two,) = (tap.take(9.0) for tap in taps)
    one.pts = 5
    assert two.pts == 0
