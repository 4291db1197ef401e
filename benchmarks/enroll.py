"""How long a donor photo takes: cold process, first and further enrolments, by step.

    python benchmarks/enroll.py [PHOTO ...]

Without arguments the bundled portraits are measured. Prints median and spread in milliseconds,
one thread, and the whole enrolment as a multiple of the landmark network's ten looks.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import as_file
from pathlib import Path

import cv2
import numpy as np

from masquerade.media.image import read_image
from masquerade.media.puppet.portrait import BUNDLED, bundled_photo
from masquerade.stages.clean import find_skin
from masquerade.stages.donor_face import FaceFinder
from masquerade.stages.enroll import Enroller
from masquerade.stages.fill import fill_skin
from masquerade.stages.unwrap import unwrap

ROUNDS = 9


def measured(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median and interquartile range in milliseconds, after one round that is not counted."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    low, _, high = statistics.quantiles(times, n=4)
    return statistics.median(times), high - low


def cold(photo: Path) -> float:
    """Seconds of a new process that imports, loads the networks and enrols one photo."""
    code = "import sys; from masquerade import Identity; Identity.from_photos(sys.argv[1])"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(photo)], check=True)
    return time.perf_counter() - start


def measure(photo: Path) -> None:
    """Print the table of one photo."""
    pixels = read_image(photo).pixels
    enroller, finder = Enroller(threads=1), FaceFinder(threads=1)
    face = finder.find(pixels, photo.name, None)
    flat = unwrap(face.pixels, face.points)
    skin = find_skin(flat.texture, flat.seen)
    steps: dict[str, Callable[[], object]] = {
        "find the face, ten looks": lambda: finder.find(pixels, photo.name, None),
        "unwrap": lambda: unwrap(face.pixels, face.points),
        "tell skin from the rest": lambda: find_skin(flat.texture, flat.seen),
        "paint": lambda: fill_skin(flat.texture, skin.trust, skin.model),
        "whole enrolment": lambda: enroller.enroll(pixels),
    }
    height, width = pixels.shape[:2]
    print(f"\n{photo.name}: {width}x{height}, face {np.ptp(face.points[:, 1]):.0f} px")
    results = {name: measured(work) for name, work in steps.items()}
    for name, (median, spread) in results.items():
        print(f"  {name:26s} {median:7.1f} ms  (IQR {spread:.1f})")
    ratio = results["whole enrolment"][0] / results["find the face, ten looks"][0]
    start = time.process_time()
    enroller.enroll(pixels)
    print(f"  whole, processor time      {(time.process_time() - start) * 1e3:6.1f} ms")
    print(f"  whole / finding            {ratio:7.2f}")
    print(f"  cold process               {cold(photo) * 1e3:7.0f} ms")


def main() -> None:
    """Measure every photo given, or the bundled ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    photos = parser.parse_args().photos
    cv2.setNumThreads(1)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, {ROUNDS} rounds")
    for photo in photos:
        measure(photo)
    for name in () if photos else BUNDLED:
        with as_file(bundled_photo(name)) as path:
            measure(path)


if __name__ == "__main__":
    main()
