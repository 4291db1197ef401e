"""Pictures and sound that somebody pushes: newest wins, damage heals, nothing grows."""

from __future__ import annotations

import functools
import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_contract import assert_live_source_contract, take

from masquerade.core.errors import CorruptMediaError, InputError, MediaLimitError
from masquerade.media.limits import MediaLimits
from masquerade.media.live.mirrored import MirroredSource
from masquerade.media.live.pushed import PushedSource
from masquerade.media.live.pushed_pictures import (
    H264Decoder,
    JpegDecoder,
    Pushed,
    jpeg_size,
    make_decoder,
)

SIZE_WH = (96, 64)
LIMITS = MediaLimits(max_pixels=1_000_000)


def plain(level: int, size_wh=SIZE_WH) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), level, np.uint8)


def jpeg(level: int, size_wh=SIZE_WH) -> bytes:
    return cv2.imencode(".jpg", plain(level, size_wh))[1].tobytes()


@functools.cache
def h264(count: int, key_every: int = 8, size_wh=SIZE_WH) -> list[tuple[bytes, bool]]:
    """Access units of pictures whose grey is 10, 20, 30, ..."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = size_wh
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 30)
    context.gop_size = key_every
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0"}
    units = []
    for place in range(count):
        frame = av.VideoFrame.from_ndarray(plain(10 * (place + 1), size_wh), format="bgr24")
        frame.pts = place
        units += [(bytes(packet), packet.is_keyframe) for packet in context.encode(frame)]
    return units


def pushed(data: bytes, number: int = 0, *, key: bool = True) -> Pushed:
    return Pushed(data, number, float(number), key, time.perf_counter())


def feed(source: PushedSource, pictures, pause_s: float = 0.01) -> threading.Thread:
    """Push pictures one after the other from a thread, over and over, until it is closed."""

    def run() -> None:
        number = 0
        while not source._closed:
            data, key = pictures[number % len(pictures)]
            source.push(data, number, 1000 + 10.0 * number, key=key)
            number += 1
            time.sleep(pause_s)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


class Fed(PushedSource):
    """Pushes into itself, for the contract of all live sources."""

    def __init__(self, codec="jpeg") -> None:
        super().__init__(SIZE_WH, Fraction(30), codec)
        self._feeder = feed(self, [(jpeg(9), True)] if codec == "jpeg" else h264(16))

    def close(self) -> None:
        super().close()
        if threading.current_thread() is not self._feeder:
            self._feeder.join()


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_it_keeps_the_contract_of_live_sources(codec):
    assert_live_source_contract(lambda: Fed(codec))


def test_mirrored_it_keeps_the_contract_too():
    assert_live_source_contract(lambda: MirroredSource(Fed(), mirror=True))


def test_mirroring_is_switched_while_it_runs():
    picture = np.concatenate([plain(0, (48, 64)), plain(250, (48, 64))], axis=1)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    source = PushedSource(SIZE_WH, Fraction(30), "jpeg")
    view = MirroredSource(source)
    frames = iter(view)
    lefts = []
    for mirror in (False, True, False):
        view.mirror = mirror
        source.push(data, 0, 0.0)
        lefts.append(next(frames).pixels[:, :40].mean() > 128)
    assert lefts == [False, True, False]
    view.close()


class TestNewestWins:
    def test_of_jpegs_the_newest_alone_is_decoded(self):
        source = PushedSource(SIZE_WH, Fraction(30), "jpeg")
        for number in range(100):
            source.push(jpeg(number), 7000 + number, 50.0 * number)
        frame = take(source, 1)[0]
        assert abs(int(frame.pixels[0, 0, 0]) - 99) <= 2
        assert source.ticket(frame.seq) == (7099, 4950.0)
        assert source.ticket(99) is None

    def test_of_h264_everything_is_decoded_and_the_newest_shown(self):
        source = PushedSource(SIZE_WH, Fraction(30), "h264")
        for number, (data, key) in enumerate(h264(6, key_every=100)):
            source.push(data, number, float(number), key=key)
        frame = take(source, 1)[0]
        assert abs(int(frame.pixels[0, 0, 0]) - 60) <= 4
        assert source.ticket(0).number == 5

    def test_what_nobody_takes_does_not_grow(self):
        source = PushedSource(SIZE_WH, Fraction(30), "h264")
        units = h264(2, key_every=100)
        source.push(units[0][0], 0, 0.0, key=True)
        for number in range(1, 5000):
            source.push(units[1][0], number, float(number), key=False)
        assert len(source._waiting) <= 60
        assert source.needs_key
        for number in range(5000, 5010):
            source.push(b"x" * 2**20, number, float(number), key=False)
        assert source._bytes <= 8 * 2**20
        for _ in range(1000):
            source.push_sound(bytes(960), 0.0)
        assert len(source._sounds) == 0, "nobody asked for sound"

    def test_pictures_of_another_size_are_fitted_in(self):
        source = PushedSource(SIZE_WH, Fraction(30), "jpeg")
        source.push(jpeg(200, (64, 96)), 0, 0.0)
        pixels = take(source, 1)[0].pixels
        assert pixels.shape == (64, 96, 3)
        assert pixels[:, 0].max() == 0
        assert pixels[32, 48].min() > 190


class TestDamage:
    def test_a_bad_jpeg_is_passed_over_for_the_one_before_it(self):
        decoder = JpegDecoder(LIMITS)
        good, cut = jpeg(50), jpeg(90)[:30]
        found = decoder.newest([pushed(good, 1), pushed(cut, 2), pushed(b"", 3)])
        assert found is not None
        assert found[0].number == 1

    def test_after_damage_h264_waits_for_the_next_key_frame(self):
        units = h264(20, key_every=8)
        decoder = H264Decoder(LIMITS)
        shown = []
        for number, (data, key) in enumerate(units):
            sent = b"\x00\x00\x00\x01\x41garbage" if number == 3 else data
            found = decoder.newest([pushed(sent, number, key=key)])
            shown.append(None if found is None else round(int(found[1][0, 0, 0]), -1))
            if number == 3:
                assert decoder.needs_key
        assert shown[:3] == [10, 20, 30]
        assert shown[3:8] == [None] * 5
        assert shown[8:12] == [90, 100, 110, 120]
        assert not decoder.needs_key

    def test_h264_cannot_begin_without_a_key_frame(self):
        units = h264(12, key_every=8)
        decoder = H264Decoder(LIMITS)
        assert decoder.newest([pushed(data, key=key) for data, key in units[1:4]]) is None
        assert decoder.needs_key
        assert decoder.newest([pushed(data, key=key) for data, key in units[5:10]]) is not None

    @pytest.mark.parametrize("codec", ["jpeg", "h264"])
    def test_what_is_no_picture_for_long_ends_in_one_clear_error(self, codec):
        decoder = make_decoder(codec, LIMITS)
        with pytest.raises(CorruptMediaError, match="another way of sending"):
            for _ in range(100):
                decoder.newest([pushed(b"\x00\x00\x00\x01\x65nothing")])


class TestLimits:
    def test_a_jpeg_is_refused_by_its_head_before_it_is_decoded(self):
        data = bytearray(jpeg(9))
        place = data.index(b"\xff\xc0")
        data[place + 5 : place + 9] = b"\xff\xff\xff\xff"
        assert jpeg_size(bytes(data)) == (65535, 65535)
        with pytest.raises(MediaLimitError, match="65535x65535"):
            JpegDecoder(LIMITS).newest([pushed(bytes(data))])

    def test_large_h264_is_not_decoded(self):
        decoder = H264Decoder(MediaLimits(max_pixels=4000))
        assert decoder.newest([pushed(*h264(1)[0:1][0][:1])]) is None

    def test_an_announced_size_is_refused_at_once(self):
        with pytest.raises(MediaLimitError):
            PushedSource((20000, 20000), Fraction(30), "jpeg")

    def test_progressive_jpegs_are_none(self):
        data = cv2.imencode(".jpg", plain(9), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
        assert jpeg_size(data) is None

    @pytest.mark.parametrize("stamp", [float("nan"), float("inf"), -1.0, 1e300])
    def test_a_time_must_be_one(self, stamp):
        source = PushedSource(SIZE_WH, Fraction(30), "jpeg", sound=True)
        with pytest.raises(InputError):
            source.push(jpeg(9), 0, stamp)
        with pytest.raises(InputError):
            source.push_sound(bytes(4), stamp)

    @pytest.mark.parametrize("size", [3, 200_000])
    def test_sound_comes_in_small_whole_pieces(self, size):
        with pytest.raises(InputError, match="20 ms"):
            PushedSource(SIZE_WH, Fraction(30), "jpeg", sound=True).push_sound(bytes(size), 0.0)


@settings(max_examples=150, deadline=None)
@given(
    start=st.binary(max_size=40),
    cut=st.integers(0, 600),
    flips=st.lists(st.tuples(st.integers(0, 599), st.integers(0, 255)), max_size=8),
    codec=st.sampled_from(["jpeg", "h264"]),
)
def test_whatever_is_sent_ends_in_a_picture_nothing_or_an_error_of_ours(start, cut, flips, codec):
    data = bytearray((jpeg(77) if codec == "jpeg" else h264(1)[0][0])[:cut])
    for place, value in flips:
        if place < len(data):
            data[place] = value
    decoder = make_decoder(codec, LIMITS)
    for sent in (bytes(data), start + bytes(data), bytes(data) + start):
        try:
            found = decoder.newest([pushed(sent)])
        except MediaLimitError:
            continue
        assert found is None or found[1].dtype == np.uint8


def test_sound_lies_where_its_pictures_lie():
    source = PushedSource(SIZE_WH, Fraction(30), "jpeg", sound=True)
    tap = source.sound.tap()
    frames = iter(source)
    tone = np.full(960, 8000, "<i2").tobytes()
    begun_s = time.perf_counter()
    source.push(jpeg(1), 0, 5000.0)
    next(frames)
    for place in range(25):  # half a second of sound from the first picture's stamp on
        source.push_sound(tone, 5000.0 + 20.0 * place)
    source.push(jpeg(2), 1, 5000.0 + 1000 * (time.perf_counter() - begun_s))
    next(frames)
    heard = tap.take(10.0)
    samples = np.concatenate([part.to_ndarray() for part in heard], axis=1)
    assert samples.shape[0] == 2
    assert samples.shape[1] == pytest.approx(24_000, abs=800)
    assert heard[0].pts < 4800
    assert np.abs(samples[:, 500:20_000]).mean() == pytest.approx(8000 / 32768, rel=0.05)
    source.close()


def test_the_kind_of_pictures_can_be_switched_while_it_runs():
    source = PushedSource(SIZE_WH, Fraction(30), "jpeg")
    frames = iter(source)
    source.push(jpeg(40), 0, 0.0)
    assert abs(int(next(frames).pixels[0, 0, 0]) - 40) <= 2
    source.switch("frames")
    source.push(av.VideoFrame.from_ndarray(plain(120), format="bgr24"), 1, 10.0)
    assert abs(int(next(frames).pixels[0, 0, 0]) - 120) <= 2
    source.switch("h264")
    data, key = h264(1)[0]
    source.push(data, 2, 20.0, key=key)
    assert abs(int(next(frames).pixels[0, 0, 0]) - 10) <= 4
    source.close()


def test_silence_shows_in_the_status(monkeypatch):
    source = PushedSource(SIZE_WH, Fraction(30), "jpeg")
    assert source.status == ""
    now = time.perf_counter()
    monkeypatch.setattr(time, "perf_counter", lambda: now + 7)
    assert source.status == "no picture for 7 s"
