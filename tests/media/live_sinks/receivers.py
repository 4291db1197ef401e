"""Real receivers for the tests, and frames and sound that can be told apart."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil

from masquerade.core.frame import Frame
from masquerade.core.protocols import Sink, SourceInfo
from masquerade.media.sound import Sound

SIZE = (320, 240)
BITS = 16
RATE = 30
INFO = SourceInfo(SIZE, None, Fraction(RATE), None, live=True)


def coded(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 (H, W, 3) BGR: moving colour bars, and above them the number in black and white."""
    width, height = size
    x = (np.arange(width) + 3 * number) % width
    bars = np.stack([64 + 96 * ((x * 8 // width) >> k & 1) for k in range(3)], -1)
    pixels = np.broadcast_to(bars, (height, width, 3)).astype(np.uint8).copy()
    side = width // 8
    for bit in range(BITS):
        row, column = divmod(bit, 8)
        value = 230 if number >> bit & 1 else 20
        pixels[row * side : (row + 1) * side, column * side : (column + 1) * side] = value
    return pixels


def number_of(pixels: np.ndarray) -> int:
    """What :func:`coded` wrote into a picture."""
    side = pixels.shape[1] / 8
    number = 0
    for bit in range(BITS):
        row, column = divmod(bit, 8)
        y, x = round((row + 0.5) * side), round((column + 0.5) * side)
        number |= int(pixels[y - 4 : y + 4, x - 4 : x + 4].mean() > 128) << bit
    return number


def frame(number: int, *, size: tuple[int, int] = SIZE, rate: int = RATE, at: int = 0) -> Frame:
    """A coded frame whose time is its number at ``rate``, ``at`` microseconds later."""
    pixels = coded(number, size)
    pixels.flags.writeable = False
    return Frame(pixels, number, at + round(number * 1_000_000 / rate), Fraction(1, 1_000_000))


def noisy(number: int) -> Frame:
    """A coded frame that takes much room."""
    plain = frame(number)
    pixels = plain.pixels.copy()
    rng = np.random.default_rng(number)
    pixels[100:] = rng.integers(0, 255, pixels[100:].shape, np.uint8)
    plain.pixels = pixels
    return plain


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Poll until ``condition`` holds; fail after ``limit_s``."""
    pause, end = threading.Event(), time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        pause.wait(0.02)


@contextlib.contextmanager
def receiving(url: str, output: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """FFmpeg that listens at ``url`` and copies what comes to ``output``; ready when it yields."""
    process = start_receiver(url, output, *options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


_PROMPT = ("-analyzeduration", "500000")


def start_receiver(url: str, output: Path, *options: str) -> subprocess.Popen[bytes]:
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *_PROMPT, *options, "-i", url]
    command += ["-map", "0", "-c", "copy", "-flush_packets", "1", "-f", "matroska", str(output)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    port = int(url.partition("://")[2].partition(":")[2].partition("/")[0].partition("?")[0])
    until(lambda: _listens(process, port))
    return process


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
    return any(
        item.laddr and item.laddr.port == port
        for item in psutil.Process(process.pid).net_connections("inet")
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a receiver to write its file; for UDP its address must have a time-out."""
    process.wait(10)


def play(
    sink: Sink,
    numbers: Sequence[int],
    *,
    rate: int = RATE,
    voice: Callable[[float], None] | None = None,
) -> None:
    """Write coded frames at the pace of a camera; ``voice`` is told the time before each."""
    clock, begin = threading.Event(), time.monotonic()
    for step, number in enumerate(numbers):
        clock.wait(max(0.0, begin + step / rate - time.monotonic()))
        if voice:
            voice(number / rate)
        sink.write(frame(number, rate=rate))


class Voice:
    """Feeds a Sound as the time goes on: a tone, or ``wave`` where given.

    Args:
        sound: is fed.
        wave: seconds (N,) to samples (N,).
    """

    def __init__(
        self, sound: Sound, wave: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        self._sound = sound
        self._wave = wave or (lambda t: 0.4 * np.sin(2 * np.pi * 440 * t))
        self._at = 0

    def __call__(self, until_s: float) -> None:
        while self._at < until_s * 48000:
            times = (self._at + np.arange(480)) / 48000
            part = np.tile(self._wave(times).astype(np.float32), (2, 1))
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "stereo")
            block.sample_rate = 48000
            self._sound.feed(block, self._at / 48000)
            self._at += 480


def pictures(path: Path) -> list[tuple[int, float, bool]]:
    """Number, time in seconds, and whether it is a key frame, of every picture in a file."""
    found = []
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            number = number_of(picture.to_ndarray(format="bgr24"))
            found.append((number, float(picture.pts * picture.time_base), picture.key_frame))
    return found


def sound_of(path: Path) -> tuple[np.ndarray, float]:
    """Samples of the first channel at 48 kHz, float32 (N,), and when they begin in seconds."""
    parts, start = [], None
    with av.open(str(path)) as container:
        for block in container.decode(audio=0):
            if start is None:
                start = float(block.pts * block.time_base)
            samples = block.to_ndarray()
            parts.append(samples[0] if samples.shape[0] > 1 else samples[0, ::2])
    assert start is not None
    return np.concatenate(parts), start


def check_times(found: Sequence[tuple[int, float, bool]], rate: int = RATE) -> None:
    """The pictures' times rise as their numbers do, a picture's time for each."""
    first, begin, _ = found[0]
    for number, at, _ in found:
        wanted = (number - first) / rate
        assert abs(at - begin - wanted) < 0.003, f"picture {number} is {at - begin - wanted} s off"


def onset(samples: np.ndarray, begin: float, after: float) -> float:
    """When sound sets in, seconds, first after ``after``."""
    start = max(0, round((after - begin) * 48000))
    loud = np.flatnonzero(np.abs(samples[start:]) > 0.1)
    assert loud.size, "all is silent"
    return begin + (start + loud[0]) / 48000


def open_descriptors() -> int:
    return psutil.Process().num_fds()
