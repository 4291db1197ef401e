"""Recall of the detector by face size, its false finds, and what a search costs.

    python benchmarks/detector_recall.py [--rounds 12] [--size 1280x720]

Faces of the permitted photos are pasted with soft edges at random places on pictures that hold
nobody. "quick" is one search of the video cadence, "turns" the best of as many quick ones as go
round the frame, "thorough" the search of first frames and pictures, "confirmed" the same after
the landmark network has agreed. A face counts as found from an overlap of 0.35 (of its visible
part) on. False finds are per frame.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from masquerade.core.face import Face
from masquerade.geometry.boxes import iou_matrix
from masquerade.models.detector import Detector
from masquerade.models.finder import FaceFinder
from masquerade.models.landmarker import Landmarker

SIZES_PX = (20, 25, 30, 35, 40, 50, 60, 80, 120, 200, 300, 450, 600, 700, 900)
PLACES = ("coffee", "rocket", "brick", "gravel")
TURNS = 7

Picture = NDArray[np.uint8]
Search = Callable[[Picture], list[Face]]


def photos() -> list[Picture]:
    """The astronaut, Grace Hopper and Mona Lisa."""
    jpeg = (files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg").read_bytes()
    mona = Path(__file__).resolve().parent.parent / "tests" / "media" / "mona_lisa.jpg"
    return [
        np.ascontiguousarray(skimage.data.astronaut()[..., ::-1]),
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR),
        cv2.imread(str(mona)),
    ]


def places(size_wh: tuple[int, int]) -> list[Picture]:
    """Pictures without people, of the size asked for."""
    found = []
    for name in PLACES:
        picture = getattr(skimage.data, name)()
        bgr = picture[..., ::-1] if picture.ndim == 3 else np.dstack([picture] * 3)
        found.append(cv2.resize(np.ascontiguousarray(bgr), size_wh))
    return found


def mesh_box(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """x0, y0, x1, y1 of a mesh."""
    return np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)]).astype(float)


def paste(
    place: Picture,
    photo: Picture,
    box: NDArray[np.float64],
    size: float,
    middle: NDArray[np.float64],
) -> tuple[Picture, NDArray[np.float32]]:
    """The photo's head in the place with a face ``size`` px high; and where the face is."""
    scale = size / float((box[2:] - box[:2]).max())
    centre, half = (box[:2] + box[2:]) / 2 * scale, (box[2:] - box[:2]) / 2 * scale
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    head = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=kind)
    soft = np.zeros(head.shape[:2], np.float32)
    cv2.ellipse(soft, (tuple(centre), tuple(half * (3.2, 3.4)), 0.0), 1.0, -1)
    blur = 2 * round(max(1.0, size * 0.06)) + 1
    soft = cv2.GaussianBlur(soft, (blur, blur), 0)
    shift = np.column_stack([np.eye(2), middle - centre])
    height, width = place.shape[:2]
    moved, alpha = (cv2.warpAffine(layer, shift, (width, height)) for layer in (head, soft))
    frame = place + (moved.astype(np.float32) - place) * alpha[..., None]
    truth = np.clip(np.concatenate([middle - half, middle + half]), 0, [width, height] * 2)
    return frame.astype(np.uint8), truth.astype(np.float32)


def count(
    faces: list[Face], truth: NDArray[np.float32], size_wh: tuple[int, int]
) -> tuple[int, int]:
    """Whether the face was found, and how many finds are none."""
    limits = np.array([*size_wh, *size_wh], np.float32)
    hits = [iou_matrix(np.clip(f.bbox, 0, limits)[None], truth[None])[0, 0] > 0.35 for f in faces]
    return int(any(hits)), len(hits) - sum(hits)


def milliseconds(search: Search, frame: Picture, rounds: int = 15) -> float:
    """Median time of a search, after one that is not counted."""
    search(frame)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        search(frame)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12, help="frames for each size")
    parser.add_argument("--size", default="1280x720", help="width x height of the frames")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    cv2.setNumThreads(1)
    detector = Detector(threads=1)
    finder = FaceFinder(detector, Landmarker(threads=1))
    searches: dict[str, Search] = {
        "quick": detector.find,
        "turns": lambda frame: [
            f for turn in range(TURNS) for f in detector.find(frame, turn=turn)
        ],
        "thorough": lambda frame: detector.find(frame, thorough=True),
        "confirmed": finder.find,
    }
    people = [(photo, mesh_box(finder.find(photo)[0].landmarks)) for photo in photos()]
    rooms = places((width, height))
    random = np.random.default_rng(11)
    print(f"{platform.processor() or platform.machine()}, one thread, {width}x{height}")
    print(f"{'face px':>8}" + "".join(f"{name:>11}{'false':>7}" for name in searches))
    for size in SIZES_PX:
        found = {name: np.zeros(2) for name in searches}
        for number in range(args.rounds):
            photo, box = people[number % len(people)]
            margin = np.minimum(size * 0.6, np.array([width, height]) * 0.49)
            middle = random.uniform(margin, np.array([width, height]) - margin)
            room = rooms[random.integers(len(rooms))]
            frame, truth = paste(room, photo, box, float(size), middle)
            for name, search in searches.items():
                found[name] += count(search(frame), truth, (width, height))
        cells = (found[name] / args.rounds for name in searches)
        print(f"{size:>8}" + "".join(f"{recall:>11.2f}{false:>7.2f}" for recall, false in cells))
    frame, _ = paste(rooms[0], *people[1], 200.0, np.array([width / 2, height / 2]))
    times = {name: milliseconds(search, frame) for name, search in searches.items()}
    print(f"{'ms':>8}" + "".join(f"{times[name]:>11.1f}{'':>7}" for name in searches))


if __name__ == "__main__":
    main()
