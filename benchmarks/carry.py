"""How well, and how cheaply, a face is carried from key frames over the frames between them.

    python benchmarks/carry.py [--fast] [--sheet FILE.png]

The embedded swap stands in for a slow network: what it draws on every frame is the truth, and its
face of one frame is the key frame for the next ones. Printed is the PSNR inside the face against
that truth over the key frame's age in frames (25 a second; carphone 30), for the carried face and,
as the baseline, for the old pixels moved along with the face's box. The same again with the film
itself as the network: its skin folds and moves as a camera saw it.

Then as it is used: a network that takes 7 frames and is always at work, each key frame faded in,
and the rules of ``--refresh`` on a file. The worst frame tells of what a viewer may notice.

Goal: at least 32 dB at 12 frames on moving clips; at most 6 ms a frame at 720p with a face of
250 px on one core, measured beside the embedded renderer in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from carried_clips import Finished, Shot, follow
from masquerade import Identity, Settings
from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.geometry.roi import Roi
from masquerade.media.puppet import Actor, PuppetSource, Scene
from masquerade.stages.carry.carrier import Carrier
from masquerade.stages.meshswap.renderer import Donor, FaceRenderer
from masquerade.stages.network_swap import NetworkSwap
from masquerade.stages.overlay import blend
from masquerade.stages.swap import Swap
from measuring import Spread, machine

sys.path.insert(0, str(Path(__file__).resolve().parent / "quality"))
from material import donor_photo, targets

Picture = NDArray[np.uint8]
AGES = (1, 2, 3, 6, 9, 12, 18, 24)
LATENCY = 7
FAST_CLIPS = ("carphone-1", "carphone-3", "puppet-mona")


def carried(shot: Shot, start: int, t: int) -> Picture:
    carrier = Carrier()
    carrier.take(shot.key(start))
    picture = shot.frames[t].copy()
    patch = carrier.draw(shot.frames[t], shot.points[t], 0, t / 25)
    assert patch is not None
    blend(picture, patch)
    return picture


def held(shot: Shot, start: int, t: int) -> Picture:
    """The old pixels, moved along with the face's box."""
    old, new = shot.points[start][:468, :2], shot.points[t][:468, :2]
    dx, dy = np.rint((new.min(0) + new.max(0) - old.min(0) - old.max(0)) / 2)
    matrix = np.array([[1, 0, dx], [0, 1, dy]])
    return np.asarray(
        cv2.warpAffine(shot.truth[start], matrix, shot.truth[start].shape[1::-1]), np.uint8
    )


def curve(shot: Shot, draw: Callable[[Shot, int, int], Picture], every: int) -> list[float]:
    """Mean PSNR in the face at each of AGES."""
    means = []
    for age in AGES:
        values = []
        for start in range(0, len(shot.frames) - age, every):
            t = start + age
            values.append(quality_db(draw(shot, start, t), shot, t))
        means.append(float(np.mean(values)))
    return means


def in_use(shot: Shot) -> list[str]:
    """Mean and worst PSNR of whole clips, and how many key frames each took."""
    lines = [_summary(f"live, a network of {LATENCY} frames", *_live(shot), shot)]
    for rule in ("12", "6", "auto"):
        maker = Finished(shot)
        settings = Settings(refresh=rule, label="none")
        identity = Identity.from_photos(donor_photo("hopper"), "hopper")
        donors = {"donor": identity}
        drawn: list[Picture] = []
        with NetworkSwap(donors, settings, maker, Swap(donors, settings)) as stage:
            for t, (pixels, points) in enumerate(zip(shot.frames, shot.points, strict=True)):
                box = np.concatenate([points[:468, :2].min(0), points[:468, :2].max(0)])
                face = Face(box, 0.9, landmarks=points, track_id=0, selected=True, donor="donor")
                job = FrameJob(Frame(pixels, t, 40 * t), [face])
                picture = pixels.copy()
                blend(picture, stage.process(job).patches[0])
                drawn.append(picture)
        lines.append(_summary(f"file, refresh {rule}", drawn, maker.made, shot))
    return lines


def _live(shot: Shot) -> tuple[list[Picture], int]:
    """Every frame carried from key frames that come late; the first one is there in time."""
    carrier, drawn, made = Carrier(), [], 1
    carrier.take(shot.key(0))
    for t, pixels in enumerate(shot.frames):
        if t and t % LATENCY == 0:
            carrier.take(shot.key(t - LATENCY))
            made += 1
        picture = pixels.copy()
        patch = carrier.draw(pixels, shot.points[t], 0, t / 25)
        assert patch is not None
        blend(picture, patch)
        drawn.append(picture)
    return drawn, made


def _summary(name: str, drawn: Sequence[Picture], made: int, shot: Shot) -> str:
    values = [quality_db(drawn[t], shot, t) for t in range(1, len(drawn))]
    return (
        f"    {name:30s} {statistics.fmean(values):5.1f} dB, worst frame {min(values):5.1f}, "
        f"{made} key frames in {len(drawn)}"
    )


def quality_db(picture: Picture, shot: Shot, t: int) -> float:
    """PSNR inside the face."""
    where = shot.inside(t)
    error = picture[where].astype(np.float64) - shot.truth[t][where]
    return float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-4)))


def row(name: str, values: Sequence[float]) -> str:
    return f"{name:36s}" + "".join(f"{value:7.1f}" for value in values)


def quality(clips: Sequence[str] | None, every: int, sheet: Path | None) -> None:
    print(f"{'PSNR in dB at an age of ... frames':36s}" + "".join(f"{age:7d}" for age in AGES))
    at_12: list[float] = []
    strips: list[Picture] = []
    for target in targets():
        if clips is not None and target.name not in clips:
            continue
        donor = "astronaut" if target.suits("astronaut") else "hopper"
        shot = follow(target.make(), Identity.from_photos(donor_photo(donor), donor))
        film = Shot(shot.frames, shot.frames, shot.points)
        for what, one in (("swap", shot), ("film", film)):
            own = curve(one, carried, every)
            print(row(f"{target.name}, {what}: carried", own))
            print(row(f"{target.name}, {what}: held", curve(one, held, every)), flush=True)
            if what == "swap":
                at_12.append(own[AGES.index(12)])
        print("\n".join(in_use(shot)), flush=True)
        strips.append(strip(shot, 5, 17))
    moving = ", ".join(f"{value:.1f}" for value in at_12)
    print(f"carried swap at 12 frames: {moving}; mean {statistics.fmean(at_12):.1f} dB   goal 32")
    if sheet is not None:
        cv2.imwrite(str(sheet), np.vstack(strips))


def strip(shot: Shot, start: int, t: int) -> Picture:
    """Key frame, target, truth, carried, four times their difference; 320 px each."""
    drawn = carried(shot, start, t)
    difference = cv2.multiply(cv2.absdiff(drawn, shot.truth[t]), 4)
    pictures = (
        (shot.truth[start], start), (shot.frames[t], t), (shot.truth[t], t), (drawn, t),
        (difference, t),
    )  # fmt: skip
    return np.hstack([_cut(picture, shot.points[at]) for picture, at in pictures])


def _cut(picture: Picture, points: NDArray[np.float32]) -> Picture:
    matrix = Roi.from_landmarks(points, 1.3).matrix(320)
    return np.asarray(cv2.warpAffine(picture, matrix, (320, 320)), np.uint8)


def cost(rounds: int) -> None:
    """Time of one drawn frame beside the embedded renderer's, one core, 720p, 250 px."""
    actor = Actor(portrait="astronaut", size=0.42)
    source = PuppetSource([Scene(actors=(actor,), seconds=1)], size_wh=(1280, 720), rate=25)
    identity = Identity.from_photos(donor_photo("hopper"), "hopper")
    shot = follow([frame.pixels for frame in source], identity)
    renderer, carrier = FaceRenderer(Donor(identity), Settings()), Carrier()
    figures: dict[str, list[float]] = {"embedded": [], "carried": [], "fading": [], "new key": []}
    keys = [shot.key(0), shot.key(6)]
    for number in range(rounds):
        start_s = 10.0 * number
        for t in range(25):
            figures["embedded"].append(timed(renderer.draw, shot.frames[t], shot.points[t], 0))
        carrier.take(keys[0])
        for t in range(25):  # the first frames fade; the others do not
            drawn = timed(carrier.draw, shot.frames[t], shot.points[t], 0, start_s + t / 25)
            figures["fading" if 0 < t < 5 and number else "carried"].append(drawn)
        figures["new key"].append(timed(carrier.take, keys[1]))
        carrier.draw(shot.frames[0], shot.points[0], 0, start_s + 9)
    width = float(np.ptp(shot.points[0][:468, 0]))
    print(f"milliseconds at 1280x720, a face of {width:.0f} px, one core:")
    for name, values in figures.items():
        print(f"    {name:10s} {Spread.of(values)}")
    ratio = statistics.median(figures["carried"]) / statistics.median(figures["embedded"])
    print(f"    carried / embedded {ratio:.2f}   goal: carried at most 6 ms")


def timed(draw: Callable[..., object], *given: object) -> float:
    """Milliseconds of one call."""
    started_s = time.perf_counter()
    draw(*given)
    return 1000 * (time.perf_counter() - started_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="three clips, fewer starts")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--sheet", type=Path, help="pictures to look at, 12 frames old")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(machine())
    cost(options.rounds)
    quality(FAST_CLIPS if options.fast else None, 6 if options.fast else 3, options.sheet)


if __name__ == "__main__":
    main()
