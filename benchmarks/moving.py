"""Frames of talking puppets, held in memory, as sources and files for the benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo
from masquerade.media.puppet.acting import Actor, Scene
from masquerade.media.puppet.source import PuppetSource

RATE = 25


@dataclass(frozen=True)
class Case:
    """One kind of target: ``face`` is the height of the face over that of the frame."""

    name: str
    size_wh: tuple[int, int]
    face: float = 0.42
    people: int = 1

    def frames(self, count: int) -> list[np.ndarray]:
        """``count`` different frames, uint8 (H, W, 3) BGR."""
        places = [(0.5, 0.45)] if self.people == 1 else [(0.14 + 0.24 * k, 0.45) for k in range(4)]
        actors = tuple(
            Actor(name=str(k), size=self.face, path=((0.0, x, y),), identity_seed=k or None)
            for k, (x, y) in enumerate(places)
        )
        scene = Scene(actors=actors, seconds=count / RATE)
        with PuppetSource((scene,), size_wh=self.size_wh, rate=RATE, noise=2.0) as source:
            return [frame.pixels for frame in source]


class Loop:
    """A Source that plays frames forth and back, so that no cut disturbs the tracking."""

    def __init__(self, frames: list[np.ndarray], count: int) -> None:
        self._frames, self._count = frames, count
        height, width = frames[0].shape[:2]
        self.info = SourceInfo((width, height), count, Fraction(RATE), count / RATE)

    def __iter__(self):
        period = max(1, 2 * len(self._frames) - 2)
        for seq in range(self._count):
            at = seq % period
            index = at if at < len(self._frames) else period - at
            yield Frame(self._frames[index], seq, seq, Fraction(1, RATE))

    def close(self) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Nowhere:
    """A Sink that forgets what it is given."""

    def write(self, frame) -> None:
        pass

    def commit(self) -> None:
        pass

    def abort(self) -> None:
        pass


def write_clip(path: Path, source: Loop, *, sound: bool = True) -> None:
    """Write a source as H.264 with a tone as AAC."""
    rate = 44_100
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        video.width, video.height = source.info.size_wh
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=rate) if sound else None
        for frame in source:
            picture = av.VideoFrame.from_ndarray(frame.pixels, format="bgr24")
            picture.pts, picture.time_base = frame.seq, Fraction(1, RATE)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if audio is not None:
            for start in range(0, int(source.info.duration_s * rate), 1024):
                t = (start + np.arange(1024)) / rate
                tone = (0.2 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[None]
                block = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                block.sample_rate, block.pts = rate, start
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))
