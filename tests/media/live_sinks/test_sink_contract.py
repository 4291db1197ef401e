"""What every live sink keeps, whatever it is: the parts of the sinks' contract that hold for all.

A live sink's `abort` cannot take back what was shown, so the rule that nothing is left behind is
tested where it applies: for outputs that no frame has reached.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from receivers import INFO, free_port, open_descriptors

from masquerade.core.errors import OutputError
from masquerade.core.frame import Frame
from masquerade.core.protocols import Sink
from masquerade.media.live_sinks import SinkOptions, open_live_sink
from masquerade.media.live_sinks.virtual_camera import VirtualCameraSink
from masquerade.media.sound import Sound
from masquerade.testing import no_leaked_threads


class Nowhere:
    """A camera that nobody watches."""

    name = "nowhere"

    def send(self, pixels: np.ndarray) -> None:
        pass

    def close(self) -> None:
        pass


FORMS = ("null", "a.mp4", "a.mkv", "a.webm", "a.m3u8", "udp", "http", "virtual-camera")
HAS_SOUND = ("a.mp4", "a.mkv", "a.webm", "a.m3u8", "udp")


@pytest.fixture(params=FORMS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Sink]:
    def open_one(sound: Sound | None = None) -> Sink:
        form, options = request.param, SinkOptions(sound=sound, overwrite=True)
        if form == "virtual-camera":
            return VirtualCameraSink(None, INFO, options, camera=Nowhere())
        if form in ("udp", "http"):
            kind = socket.SOCK_DGRAM if form == "udp" else socket.SOCK_STREAM
            form = f"{form}://127.0.0.1:{free_port(kind)}"
        elif "." in form:
            form = str(tmp_path / form)
        return open_live_sink(form, INFO, options)

    open_one.form = request.param
    return open_one


def pictures(count: int) -> list[Frame]:
    rng = np.random.default_rng(0)
    frames = []
    for number in range(count):
        pixels = rng.integers(0, 255, (240, 320, 3), np.uint8)
        pixels.flags.writeable = False
        frames.append(Frame(pixels, number, number * 33_333))
    return frames


def test_it_ends_however_it_is_ended(make: Callable[..., Sink], tmp_path: Path) -> None:
    make().abort()  # libraries open what they keep
    before = open_descriptors()
    with no_leaked_threads():
        untouched = make()
        assert isinstance(untouched, Sink)
        untouched.abort()
        untouched.abort()
        assert not list(tmp_path.iterdir())
        for end in ("commit", "abort"):
            sink = make()
            for frame in pictures(5):
                sink.write(frame)
            getattr(sink, end)()
            sink.abort()
            sink.commit()
        with make() as sink:
            sink.write(pictures(1)[0])
    assert open_descriptors() == before


def test_frames_are_read_and_not_kept(make: Callable[..., Sink]) -> None:
    frames = pictures(6)
    copies = [frame.pixels.copy() for frame in frames]
    sink = make()
    counts = [sys.getrefcount(frame.pixels) for frame in frames]
    for frame in frames:
        sink.write(frame)
    assert [sys.getrefcount(frame.pixels) for frame in frames] == counts
    sink.commit()
    assert all((a.pixels == b).all() for a, b in zip(frames, copies, strict=True))


def test_the_sound_s_reader_is_given_back(make: Callable[..., Sink]) -> None:
    if make.form not in HAS_SOUND:
        pytest.skip("has no sound")
    sound = Sound()
    for end in ("commit", "abort"):
        sink = make(sound)
        assert len(sound._taps) == 1
        sink.write(pictures(1)[0])
        getattr(sink, end)()
        assert not sound._taps


def test_a_frame_without_a_time(make: Callable[..., Sink]) -> None:
    sink = make()
    timeless = Frame(pictures(1)[0].pixels)
    if make.form in HAS_SOUND:
        with pytest.raises(OutputError, match="without a time"):
            sink.write(timeless)
    else:
        sink.write(timeless)
    sink.abort()
