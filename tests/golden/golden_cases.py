"""What the golden pictures show, and how they are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from masquerade import Engine, Identity, Settings
from masquerade.media.puppet import Actor, Occluder, Portrait, PuppetSource, Scene, Turn

HERE = Path(__file__).parent
SIZE_WH = (240, 180)
SETTINGS = Settings(label="none")

# Another processor's arithmetic moves landmarks by hundredths of a pixel and levels by one or two.
MEAN_LEVELS = 1.5
MOST_LEVELS = 16.0  # for all but one pixel in two hundred
FEW = 99.5


@cache
def donor(name: str) -> Identity:
    return Identity.from_photos(Portrait.bundled(name).pixels, name)


def _still(donor_name: str, target_name: str, height: int) -> np.ndarray:
    """One portrait with the other's face, its head alone."""
    target = Portrait.bundled(target_name)
    swapped, _ = Engine(donor(donor_name), SETTINGS).swap_picture(target.pixels)
    face = target.landmarks[:468, :2]
    (x0, y0), (x1, y1) = face.min(axis=0), face.max(axis=0)
    unit = y1 - y0
    top, left = int(max(y0 - 0.4 * unit, 0)), int(max((x0 + x1) / 2 - 0.75 * unit, 0))
    crop = swapped[top : top + int(1.6 * unit), left : left + int(1.5 * unit)]
    scale = height / crop.shape[0]
    return cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _film(scene: Scene, donor_name: str = "mona_lisa", **settings) -> np.ndarray:
    """The last frame of a short stream."""
    with Engine(donor(donor_name), SETTINGS.replace(**settings)) as engine:
        for frame in PuppetSource([scene], size_wh=SIZE_WH, rate=25, seed=3):
            output = engine.process(frame.pixels)
    return output


def _scene(light="even", occluders=(), **actor) -> Scene:
    actor = {"name": "a", "portrait": "astronaut", "size": 0.52, "sway": 0.5, **actor}
    return Scene(
        actors=(Actor(**actor),), light=light, occluders=occluders, seconds=0.4, background=5
    )


def _pair() -> Scene:
    left = Actor(name="a", portrait="astronaut", size=0.4, path=((0, 0.27, 0.45),))
    right = Actor(name="b", identity_seed=2, size=0.42, path=((0, 0.74, 0.45),))
    return Scene(actors=(left, right), seconds=0.3, background=3)


_HAND = Occluder(kind="hand", start_s=-0.6, end_s=1.2)

CASES: dict[str, Callable[[], np.ndarray]] = {
    "painting_on_photo": lambda: _still("mona_lisa", "astronaut", 200),
    "photo_on_painting": lambda: _still("astronaut", "mona_lisa", 200),
    "talking": lambda: _film(_scene(talk=2.0)),
    "turned": lambda: _film(_scene(turns=(Turn(-0.5, 1.6, 40),))),
    "side_light": lambda: _film(_scene(light="side")),
    "hand_in_front": lambda: _film(_scene(occluders=(_HAND,))),
    "two_people": lambda: _film(_pair(), donor_name="astronaut", many_faces=True),
    "own_shape": lambda: _film(_scene(), shape=0.0),
}


def stored(name: str) -> Path:
    return HERE / f"{name}.png"


def distance(golden: np.ndarray, now: np.ndarray) -> tuple[float, float]:
    """Mean and (but for the worst half percent) largest difference in levels."""
    off = np.abs(golden.astype(np.int16) - now).max(axis=2)
    return float(off.mean()), float(np.percentile(off, FEW))
