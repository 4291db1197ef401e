"""A contact sheet for the eyes: every donor on eight hard targets, and on a plain one.

    python benchmarks/quality/sheet.py OUT.png [--donors astronaut mona] [KEY=VALUE ...]

Rows are donors, columns are targets; the first row shows the targets themselves. Each target is
the last frame of a short run, so that tracking has met it as it would in a video. The label is
off; other settings can be given as KEY=VALUE.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from clips import read_clip
from material import CARPHONE, DONORS, donor_photo, portrait
from numpy.typing import NDArray
from render import parse_setting

from masquerade import Engine, Settings
from masquerade.media.puppet import Actor, HeadTruth, Occluder, PuppetSource, Scene, Turn

Picture = NDArray[np.uint8]
_RUN_FRAMES = 12
_RATE = 25


@dataclass(frozen=True)
class Hard:
    """A hard target: its frames, and the part (x0, y0, x1, y1) of the last one to look at."""

    frames: list[Picture]
    view: tuple[int, int, int, int]
    many_faces: bool = False


def hard_targets() -> dict[str, Callable[[], Hard]]:
    """The columns of the sheet."""
    mona = Actor(portrait=portrait("mona"), name="b", size=0.5)
    hopper = Actor(portrait=portrait("hopper"), size=0.45)
    away = Actor(
        portrait=portrait("astronaut"), size=0.5, turns=(Turn(0.0, 2.4, yaw_deg=55),), talk=0.3
    )
    pair = (
        Actor(portrait=portrait("astronaut"), size=0.42, path=((0, 0.28, 0.45),)),
        Actor(portrait=portrait("mona"), name="b", size=0.42, path=((0, 0.72, 0.45),)),
    )
    hand = Occluder(kind="hand", start_s=0.2, end_s=2.2)
    return {
        "plain": partial(_carphone, 20),
        "open mouth": partial(_carphone, 60),
        "blink": partial(_acted, Scene(actors=(mona,)), lambda h: h.expression.blink_left),
        "profile": partial(_acted, Scene(actors=(away,), seconds=2.4), lambda h: h.yaw_deg),
        "side light": partial(_carphone, 20, lit=True),
        "hand": partial(
            _acted, Scene(actors=(hopper,), occluders=(hand,)), lambda h: 1 - h.visible_part
        ),
        "two people": partial(_acted, Scene(actors=pair), lambda h: h.expression.jaw),
        "far, 60 px": partial(_carphone, 100, zoom=1),
        "close, 700 px": partial(
            _acted, Scene(actors=(mona,)), lambda h: h.expression.smile, (1400, 1400)
        ),
    }


def _acted(
    scene: Scene, measure: Callable[[HeadTruth], float], size_wh: tuple[int, int] = (640, 480)
) -> Hard:
    """The run that leads to the frame where the first actor's measure is greatest."""
    small = PuppetSource([scene], size_wh=(160, 120), rate=_RATE)
    values = [measure(truth.heads[0]) for _, truth in small.pairs()]
    last = int(np.argmax(values[_RUN_FRAMES:])) + _RUN_FRAMES
    source = PuppetSource([scene], size_wh=size_wh, rate=_RATE, noise=1.5)
    frames = [source.render(seq)[0].pixels for seq in range(last - _RUN_FRAMES, last + 1)]
    boxes = np.stack([head.bbox for head in source.truth(last).heads])
    bbox = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    return Hard(frames, _square(bbox, size_wh), many_faces=len(boxes) > 1)


def _carphone(last: int, *, zoom: int = 3, lit: bool = False) -> Hard:
    """The run of the filmed head that ends in a frame; ``lit`` darkens one side to a quarter."""
    frames = read_clip(CARPHONE)[last - _RUN_FRAMES : last + 1]
    frames = [cv2.resize(f, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC) for f in frames]
    if lit:
        x = np.linspace(0, 1, frames[0].shape[1])[None, :, None]
        gain = 1.25 - 1.0 / (1 + np.exp(-(x - 0.52) / 0.035))
        frames = [np.clip(frame * gain, 0, 255).astype(np.uint8) for frame in frames]
    height, width = frames[0].shape[:2]
    return Hard(frames, _square(np.array([60, 42, 118, 106]) * zoom, (width, height)))


def _square(bbox: NDArray[np.floating], size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """A square around a box, half as large again, moved into the frame."""
    side = min(1.55 * max(bbox[2] - bbox[0], bbox[3] - bbox[1]), *size_wh)
    centre = (bbox[:2] + bbox[2:]) / 2
    corner = np.clip(centre - side / 2, 0, np.array(size_wh) - side)
    return (*np.rint(corner).astype(int), *np.rint(corner + side).astype(int))


def _cell(picture: Picture, view: tuple[int, int, int, int], side: int) -> Picture:
    x0, y0, x1, y1 = view
    part = picture[y0:y1, x0:x1]
    how = cv2.INTER_AREA if part.shape[0] > side else cv2.INTER_CUBIC
    return cv2.resize(part, (side, side), interpolation=how)


def _photo_cell(donor: str, side: int) -> Picture:
    photo = donor_photo(donor)
    scale = side / max(photo.shape[:2])
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell = np.full((side, side, 3), 30, np.uint8)
    cell[: small.shape[0], : small.shape[1]] = small
    return cell


def _caption(cell: Picture, text: str) -> Picture:
    place, font = (6, 18), cv2.FONT_HERSHEY_SIMPLEX
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(cell, text, place, font, 0.5, colour, width, cv2.LINE_AA)
    return cell


def main() -> None:
    """Draw the sheet named on the command line."""
    parser = argparse.ArgumentParser(description="Draw a contact sheet of hard targets.")
    parser.add_argument("out", type=Path)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--donors", nargs="+", default=DONORS)
    parser.add_argument(
        "--columns", nargs="+", help="only targets whose name contains one of these"
    )
    parser.add_argument("--cell", type=int, default=256, help="side of a cell in pixels")
    options = parser.parse_args()

    settings = Settings(label="none").replace(**dict(map(parse_setting, options.settings)))
    targets = {
        name: make()
        for name, make in hard_targets().items()
        if not options.columns or any(part in name for part in options.columns)
    }
    blank = np.full((options.cell, options.cell, 3), 30, np.uint8)
    originals = [
        _caption(_cell(hard.frames[-1], hard.view, options.cell), name)
        for name, hard in targets.items()
    ]
    rows = [np.hstack([blank, *originals])]
    for donor in options.donors:
        cells = [_caption(_photo_cell(donor, options.cell), donor)]
        for hard in targets.values():
            chosen = settings.replace(many_faces=hard.many_faces)
            with Engine(donor_photo(donor), settings=chosen) as engine:
                outputs = [engine.process(frame) for frame in hard.frames]
            cells.append(_cell(outputs[-1], hard.view, options.cell))
        rows.append(np.hstack(cells))
    cv2.imwrite(str(options.out), np.vstack(rows))


if __name__ == "__main__":
    main()
