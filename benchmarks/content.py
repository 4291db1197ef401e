"""What the content check costs, on harmless pictures.

    python benchmarks/content.py [--seconds 10]

Goal: at most 2 % of a core while a stream is live. Times are those of a processor (of the thread
that does the work), so that other programs do not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import skimage.data

from masquerade import Engine
from masquerade.engine.live import LiveSession
from masquerade.engine.networks import shared_networks
from masquerade.models.content import ContentNetwork, content_crop
from masquerade.stages import content
from masquerade.testing.live import PacedSource, WitnessSink
from measuring import machine

SIZES = {"480p": (640, 480), "720p": (1280, 720), "1080p": (1920, 1080), "2160p": (3840, 2160)}
HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
ROOT = Path(__file__).parents[1]


def cpu_ms(work, repeats: int = 40) -> tuple[float, float]:
    """Median and 90th percentile of a call's processor time in milliseconds."""
    times = []
    for _ in range(repeats + 3):
        began = time.thread_time()
        work()
        times.append(1000 * (time.thread_time() - began))
    kept = times[3:]
    return statistics.median(kept), statistics.quantiles(kept, n=10)[-1]


def one_check(astronaut: np.ndarray) -> None:
    network = ContentNetwork()
    crop = content_crop(astronaut)
    median, high = cpu_ms(lambda: network.score(crop))
    print(f"network                 {median:6.1f} ms of a core (90 % below {high:.1f})")
    for name, size in SIZES.items():
        frame = cv2.resize(astronaut, size)
        median, high = cpu_ms(lambda frame=frame: content_crop(frame))
        print(f"crop of {name:<7}         {median:6.2f} ms of a core (90 % below {high:.2f})")


class Costed(content.ContentCheck):
    """The check, which keeps what it has cost in whatever thread."""

    spent_s = 0.0
    times = 0

    def _check(self, pixels, *, aside):
        began = time.thread_time()
        super()._check(pixels, aside=aside)
        Costed.spent_s += time.thread_time() - began

    def _judge(self, crop):
        began = time.thread_time()
        super()._judge(crop)
        if self._thread is not None:  # else it is counted where it was called
            Costed.spent_s += time.thread_time() - began
        Costed.times += 1


def live(astronaut: np.ndarray, seconds: float) -> None:
    frames = [np.roll(cv2.resize(astronaut, (1280, 720)), 4 * n, axis=1) for n in range(8)]
    source = PacedSource(frames, rate=30, count=int(30 * seconds))
    sink = WitnessSink(keep=1)
    with Engine(astronaut) as engine:
        engine.load((1280, 720))
        shared_networks(0).content.score(content_crop(astronaut))
        with LiveSession(engine, source, {"witness": sink}) as session:
            Costed.spent_s, Costed.times = 0.0, 0
            began = time.perf_counter()
            session.wait(seconds + 30)
            passed_s = time.perf_counter() - began
    share = Costed.spent_s / passed_s
    print(
        f"live, 720p30            {100 * share:6.2f} % of a core: {Costed.times} checks in "
        f"{passed_s:.1f} s, {sink.count} frames shown"
    )


def scores() -> None:
    print("scores of harmless pictures (0 very likely harmless, refused from 0.8 on):")
    pictures = {"hopper": cv2.imread(str(HOPPER))}
    pictures["mona"] = cv2.imread(str(ROOT / "tests" / "media" / "mona_lisa.jpg"))
    for name in ("astronaut", "chelsea", "coffee", "rocket", "retina", "moon", "coins", "grass"):
        try:
            picture = getattr(skimage.data, name)()
        except (ImportError, OSError):  # not every one comes with the package
            continue
        picture = np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture
        pictures[name] = np.ascontiguousarray(picture[..., 2::-1])
    network = ContentNetwork()
    told = [f"{name} {network.score(content_crop(p)):.3f}" for name, p in pictures.items()]
    print("  " + ", ".join(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of the live stream")
    args = parser.parse_args()
    print(machine())
    astronaut = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    one_check(astronaut)
    import masquerade.engine.target_check as made_in

    made_in.ContentCheck = Costed
    live(astronaut, args.seconds)
    scores()


if __name__ == "__main__":
    main()
