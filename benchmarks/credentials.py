"""What content credentials cost: milliseconds per MB of picture, share of a video job.

    python benchmarks/credentials.py

Goals: at most 10 ms per MB of a picture's file, at most 2 % of a video job. Every picture has a
target, whose hash is part of the credentials. A straight line through the sizes of a kind tells
what a file costs whatever its size, and what each MB adds. Of GIF the steps are counted that the
library takes from block to block, of at most 255 bytes, again and again. Times of pictures are
those of a processor, so that other programs do not count; of videos they are those of the clock,
in the same run.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from masquerade.core.settings import Settings
from masquerade.engine import Engine
from masquerade.engine.origin import state_origin
from masquerade.media.image import Picture, write_image
from masquerade.media.open import open_sink, open_source
from masquerade.trust.inspection import inspect_file
from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE
from measuring import machine
from moving import Case, Loop, write_clip

SIZES = {"480p": (854, 480), "1080p": (1920, 1080), "12 MP": (4000, 3000)}
PICTURES = (".jpg", ".png", ".webp", ".tiff", ".gif", ".avif")
VIDEOS = (".mp4", ".mov", ".mkv", ".webm")


class Timed:
    """A seal that keeps how long it took: by the clock, and of a processor."""

    def __init__(self, seal) -> None:
        self._seal, self.seconds, self.cpu_s = seal, 0.0, 0.0

    def __call__(self, finished: Path, signed: Path, parts) -> bytes | None:
        began, began_cpu = time.perf_counter(), time.thread_time()
        try:
            return self._seal(finished, signed, parts)
        finally:
            self.seconds = time.perf_counter() - began
            self.cpu_s = time.thread_time() - began_cpu


def photo(size_wh: tuple[int, int]) -> np.ndarray:
    """A photo with the grain of a camera."""
    large = cv2.resize(skimage.data.astronaut()[:, :, ::-1], size_wh, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(1).normal(0, 3, large.shape)
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def pictures(engine: Engine, folder: Path, repeats: int) -> None:
    print(
        f"\n{'picture':<14}{'MB':>7}{'sign ms':>9}{'ms/MB':>8}{'of writing':>12}{'inspect ms':>12}"
    )
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in PICTURES}
    for name, size in SIZES.items():
        pixels = photo(size)
        target = folder / "target.jpg"
        cv2.imwrite(str(target), pixels)
        for kind in PICTURES:
            if kind in (".avif", ".gif") and name == "12 MP":
                continue  # their encoders take longer than anybody waits
            path = folder / f"out{kind}"
            found[kind].append(
                picture_line(engine, path, target, pixels, f"{name} {kind}", repeats)
            )
    print(f"\n{'kind':<14}{'any file ms':>12}{'and ms/MB':>11}")
    for kind, points in found.items():
        slope, fixed = np.polyfit(*zip(*points, strict=True), 1)
        print(f"{kind:<14}{fixed:12.1f}{slope:11.1f}")
    print(f"\nsteps of the library for each kB of a GIF: {steps_per_kb(engine, folder):.0f}")


class Counted(io.BytesIO):
    """A file in memory that counts how often it is asked for something."""

    steps = 0

    def readinto(self, buffer) -> int:
        self.steps += 1
        return super().readinto(buffer)

    def seek(self, *place) -> int:
        self.steps += 1
        return super().seek(*place)


def steps_per_kb(engine: Engine, folder: Path) -> float:
    """How often the library reads or moves within a GIF that it signs."""
    import c2pa

    identity = state_origin(engine).seal.identity
    info = c2pa.C2paSignerInfo(
        alg=c2pa.C2paSigningAlg.ES256,
        sign_cert=identity.chain_pem,
        private_key=identity.key_pem,
        ta_url=identity.timestamp_url,
    )
    created = {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE}
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}]}
    file, made = Counted((folder / "out.gif").read_bytes()), Counted()
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest) as builder:
        builder.sign(signer, "image/gif", file, made)
    return (file.steps + made.steps) / (file.getbuffer().nbytes / 1000)


def picture_line(engine, path, target, pixels, name, repeats) -> tuple[float, float]:
    """Prints the line; megabytes and milliseconds."""
    signing, whole, looking = [], [], []
    for _ in range(repeats):
        disclosure = state_origin(engine, target=target)
        timed = Timed(disclosure.seal)
        began = time.thread_time()
        write_image(path, Picture(pixels), pixels, replace(disclosure, seal=timed), True)
        whole.append(time.thread_time() - began)
        signing.append(timed.cpu_s)
        began = time.thread_time()
        assert inspect_file(path).state == "trusted"
        looking.append(time.thread_time() - began)
    sign_ms, size_mb = 1000 * statistics.median(signing), path.stat().st_size / 1e6
    share = statistics.median(signing) / statistics.median(whole)
    look_ms = 1000 * statistics.median(looking)
    numbers = f"{size_mb:7.2f}{sign_ms:9.1f}{sign_ms / size_mb:8.1f}{share:12.1%}{look_ms:12.1f}"
    print(f"{name:<14}{numbers}")
    return size_mb, sign_ms


def videos(engine: Engine, folder: Path, seconds: float) -> None:
    target = folder / "target.mp4"
    frames = Case("720p", (1280, 720)).frames(25)
    write_clip(target, Loop(frames, round(25 * seconds)))
    print(f"\n{'video 720p':<14}{'MB':>7}{'job s':>9}{'sign ms':>9}{'share':>9}{'of CPU':>9}")
    for kind in VIDEOS:
        with open_source(target) as source:
            disclosure = state_origin(engine, target=target, size_wh=source.info.size_wh)
            timed = Timed(disclosure.seal)
            path = folder / f"film{kind}"
            stated = replace(disclosure, seal=timed)
            sink = open_sink(path, source, disclosure=stated, overwrite=True)
            began, began_cpu = time.perf_counter(), time.process_time()
            engine.run(source, sink)
            whole, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
        assert inspect_file(path).state == "trusted"
        print(
            f"{kind:<14}{path.stat().st_size / 1e6:7.2f}{whole:9.1f}{1000 * timed.seconds:9.1f}"
            f"{timed.seconds / whole:9.2%}{timed.cpu_s / cpu_s:9.2%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4, help="length of the video")
    args = parser.parse_args()
    print(machine())
    donor = np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])
    with tempfile.TemporaryDirectory() as name, Engine(donor, Settings()) as engine:
        folder = Path(name)
        engine.load()
        began = time.perf_counter()
        import c2pa  # noqa: F401 - once a process

        print(f"opening the library, once a process: {1000 * (time.perf_counter() - began):.0f} ms")
        pictures(engine, folder, args.repeats)
        videos(engine, folder, args.seconds)


if __name__ == "__main__":
    main()
