"""The donors that tests may use, enrolled once per run."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import skimage.data
from numpy.typing import NDArray

from masquerade.media.puppet.acting import Actor, Scene, Turn
from masquerade.media.puppet.source import PuppetSource
from masquerade.stages.donor_face import DonorFace, FaceFinder
from masquerade.stages.enroll import Enroller
from masquerade.stages.identity import Identity

MONA = Path(__file__).parents[1] / "media" / "mona_lisa.jpg"
HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
NAMES = ("astronaut", "hopper", "mona")


@functools.cache
def photo(name: str) -> NDArray[np.uint8]:
    if name == "astronaut":
        picture = skimage.data.astronaut()[..., ::-1]
    else:
        picture = cv2.imread(str(HOPPER if name == "hopper" else MONA))
    picture = np.ascontiguousarray(picture)
    picture.setflags(write=False)
    return picture


@functools.cache
def enroller() -> Enroller:
    return Enroller()


@functools.cache
def face(name: str) -> DonorFace:
    return FaceFinder().find(photo(name), name, None)


@functools.cache
def donor(name: str) -> Identity:
    return Identity.from_photos(photo(name), name, enroller=enroller())


def turned(yaw_deg: float) -> NDArray[np.uint8]:
    """A still of the astronaut's puppet that looks aside, 640x640."""
    turns = (Turn(0, 2, yaw_deg),) if yaw_deg else ()
    actor = Actor(
        portrait="astronaut",
        size=0.6,
        path=((0.0, 0.5, 0.5),),
        turns=turns,
        sway=0,
        talk=0,
        blink=False,
    )
    source = PuppetSource([Scene(actors=(actor,), seconds=2)], size_wh=(640, 640), rate=12)
    return source.render(12)[0].pixels


def psnr(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    apart = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    return float(10 * np.log10(255**2 / np.mean(apart**2)))
