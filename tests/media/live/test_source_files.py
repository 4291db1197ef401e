"""Files and puppets as cameras: pace, loops, sound, closing."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from fractions import Fraction

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image
from senders import make, needs_ffmpeg
from source_contract import assert_live_source_contract, take

from masquerade.core.errors import (
    CorruptMediaError,
    MediaLimitError,
    MissingInputError,
    SettingsError,
    UnsupportedMediaError,
)
from masquerade.media.file import VideoSource
from masquerade.media.limits import MediaLimits
from masquerade.media.live import SourceOptions, open_live_source
from masquerade.media.live.paced import Schedule
from masquerade.testing import no_leaked_threads

pytestmark = needs_ffmpeg

RATE = 20


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Three quarters of a second with a tone, 160x120, 20 frames a second."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    return make(
        path, "-f", "lavfi", "-i", f"testsrc2=size=160x120:rate={RATE}:duration=0.75",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=0.75",
        "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac",
    )  # fmt: skip


def test_contract(film):
    assert_live_source_contract(lambda: open_live_source(str(film), SourceOptions(loop=True)))


def test_a_file_keeps_its_pace_and_ends(film):
    with open_live_source(str(film)) as source:
        begun_s = time.perf_counter()
        frames = list(source)
    took_s = time.perf_counter() - begun_s
    assert 0.65 < took_s < 2.5
    assert frames[0].captured_s - begun_s < 0.5
    due = [frame.captured_s - frames[0].captured_s for frame in frames]
    # On a busy machine late pictures are left out, but those that come lie on the schedule.
    steps = [moment * RATE for moment in due]
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert steps[-1] <= 14.001
    assert len(frames) > 3


def test_a_loop_goes_on_without_a_gap(film):
    with open_live_source(str(film), SourceOptions(loop=True, rate=100)) as source:
        frames = take(source, 40)
    steps = np.diff([frame.captured_s for frame in frames]) * 100
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    pictures = {frame.pixels.tobytes() for frame in frames}
    assert len(pictures) <= 15, "a film of 15 frames has shown more than 15 pictures"


def test_a_rate_replaces_the_pace(film):
    with open_live_source(str(film), SourceOptions(rate=Fraction(50))) as source:
        assert source.info.rate == 50
        assert source.sound is None
        frames = list(source)
    steps = np.diff([frame.captured_s for frame in frames]) * 50
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert frames[-1].seconds <= 14 / 50 + 1e-3


def test_sound_follows_through_loops(film):
    with open_live_source(str(film), SourceOptions(loop=True)) as source:
        tap = source.sound.tap()
        heard = []
        for frame in source:
            heard += tap.take(frame.seconds)
            if frame.seconds > 2:
                break
    for before, after in itertools.pairwise(heard):
        assert after.pts == before.pts + before.samples
    assert heard[0].pts == 0
    samples = np.concatenate([part.to_ndarray()[0] for part in heard])
    assert abs(len(samples) / 48_000 - frame.seconds) < 0.1
    for second in (0.3, 1.1, 1.8):  # within each round there is the tone
        part = samples[int(second * 48_000) :][:4800]
        peak = np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * 10
        assert abs(peak - 440) <= 10


def test_closing_ends_a_wait(film):
    with no_leaked_threads():
        source = open_live_source(str(film), SourceOptions(rate=0.05))
        frames = iter(source)
        next(frames)
        threading.Timer(0.2, source.close).start()
        begun_s = time.monotonic()
        assert next(frames, None) is None
        assert time.monotonic() - begun_s < 1.5


def test_thirty_rounds_leave_nothing(film):
    process = psutil.Process()
    for number in range(30):
        with open_live_source(str(film), SourceOptions(loop=True, rate=200)) as source:
            take(source, 2)
        if number == 2:
            before = process.num_fds(), threading.active_count()
    assert (process.num_fds(), threading.active_count()) == before


def test_an_animation_is_a_camera_too(tmp_path):
    pictures = [Image.new("RGB", (40, 30), (60 * k, 0, 0)) for k in range(4)]
    path = tmp_path / "moving.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=20)
    with open_live_source(str(path), SourceOptions(loop=True)) as source:
        frames = take(source, 9)
    assert len({frame.pixels.tobytes() for frame in frames}) > 1
    assert source.sound is None


def test_a_still_picture_is_shown_for_as_long_as_one_likes(tmp_path):
    path = tmp_path / "still.png"
    Image.new("RGB", (64, 48), (200, 30, 10)).save(path)

    def opened():
        return open_live_source(str(path), SourceOptions(rate=RATE, rotate=90))

    assert_live_source_contract(opened)
    with opened() as source:
        frames = take(source, 12)
    assert source.info.size_wh == (48, 64)
    assert frames[-1].captured_s - frames[0].captured_s == pytest.approx(11 / RATE, abs=0.3)
    assert {frame.pixels.tobytes() for frame in frames} == {frames[0].pixels.tobytes()}
    with pytest.raises(MediaLimitError):
        open_live_source(str(path), SourceOptions(limits=MediaLimits(max_pixels=1000)))


def test_files_that_cannot_be_used(tmp_path, film):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(film.read_bytes()[:900])
    for name, kind in (
        (broken, CorruptMediaError),
        (tmp_path / "none.mp4", MissingInputError),
        (tmp_path, UnsupportedMediaError),
    ):
        with no_leaked_threads(), pytest.raises(kind):
            open_live_source(str(name))
    with pytest.raises(MediaLimitError):
        open_live_source(str(film), SourceOptions(limits=MediaLimits(max_pixels=1000)))
    with no_leaked_threads(), pytest.raises(SettingsError, match="outside"):
        open_live_source(str(film), SourceOptions(crop=(100, 100, 100, 100)))


# View


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_view_is_turned_and_mirrored(film, turn, mirror):
    with open_live_source(str(film)) as source:
        plain = take(source, 1)[0].pixels
    options = SourceOptions(rotate=turn, mirror=mirror, crop=(10, 20, 101, 61))
    with open_live_source(str(film), options) as source:
        seen = take(source, 1)[0].pixels
        assert source.info.size_wh == ((61, 101) if turn in (90, 270) else (101, 61))
    wanted = np.rot90(plain[20:81, 10:111], -turn // 90)
    np.testing.assert_array_equal(seen, wanted[:, ::-1] if mirror else wanted)


def test_a_view_is_scaled_with_bars(film):
    with open_live_source(str(film)) as source:
        plain = take(source, 1)[0].pixels
    with open_live_source(str(film), SourceOptions(size_wh=(321, 121))) as source:
        seen = take(source, 1)[0].pixels
    assert seen.shape == (121, 321, 3)
    assert not seen[:, :79].any()
    assert not seen[:, -79:].any()
    wanted = cv2.resize(plain, (161, 121))
    assert np.abs(seen[:, 80:241].astype(int) - wanted).mean() < 3


def test_nothing_asked_nothing_copied():
    from masquerade.media.live.view import View

    pixels = np.zeros((31, 17, 3), np.uint8)
    assert View(SourceOptions()).of(pixels) is pixels


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotate": 45},
        {"crop": (0, 0, 0, 5)},
        {"crop": (-1, 0, 5, 5)},
        {"size_wh": (0, 5)},
        {"rate": 0},
        {"rate": 1e6},
        {"open_s": 0},
        {"stall_s": -1},
    ],
)
def test_options_that_make_no_sense(wrong):
    with pytest.raises(SettingsError):
        SourceOptions(**wrong)


# Schedule


def test_a_machine_that_is_too_slow_shows_four_pictures_a_second():
    schedule = Schedule(threading.Event(), start_s=time.perf_counter() - 10.0)
    shown = [second for second in np.arange(0, 9, 0.02) if schedule.wait(float(second))]
    assert len(shown) == 1, "pictures that are long over were shown in a row"
    caught_up = schedule.wait(schedule.shown_s - schedule.start_s + 0.01)
    assert caught_up is not None


# Puppet


def test_puppet_contract():
    options = SourceOptions(size_wh=(160, 120), rate=60)
    assert_live_source_contract(lambda: open_live_source("puppet", options))


def test_a_puppet_moves_without_a_jump():
    with open_live_source("puppet", SourceOptions(size_wh=(160, 120), rate=200)) as source:
        frames = take(source, 150)
    changes = [
        np.abs(after.pixels.astype(int) - before.pixels).mean()
        for before, after in itertools.pairwise(frames)
    ]
    assert max(changes) < 6
    assert np.median(changes) > 0.05


def test_puppets_by_name():
    options = SourceOptions(size_wh=(96, 64))
    with open_live_source("puppet:mona_lisa", options) as lisa:
        first = take(lisa, 1)[0].pixels
    with open_live_source("puppet:astronaut", options) as other:
        assert np.abs(first.astype(int) - take(other, 1)[0].pixels).mean() > 5
    with pytest.raises(SettingsError, match="mona_lisa"):
        open_live_source("puppet:napoleon")


def test_a_film_that_is_rewound_begins_with_the_same_pictures(film):
    with VideoSource(film) as source:
        first = [(frame.pts, frame.pixels.tobytes()) for frame in source]
        source.rewind()
        assert [(frame.pts, frame.pixels.tobytes()) for frame in source] == first
        assert len(first) > 3


def test_a_film_that_is_played_for_long_does_not_gather_memory(film):
    """PyAV's containers are free only when circles are looked for: a loop must not leave one."""
    process = psutil.Process()
    gc.disable()
    try:
        with VideoSource(film) as source:
            grown = []
            for number in range(120):
                assert sum(1 for _ in source) > 3
                source.rewind()
                if number >= 40:
                    grown.append(process.memory_info().rss)
    finally:
        gc.enable()
    assert grown[-1] - grown[0] < 4 * 2**20
