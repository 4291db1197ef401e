"""Real faces for the embedded swapper: landmarks by the network, identities by enrolment."""

from __future__ import annotations

from dataclasses import dataclass

import donor_photos
import numpy as np
import pytest
from numpy.typing import NDArray

from masquerade.stages.identity import Identity


@dataclass(frozen=True)
class Person:
    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]


def person(name: str) -> Person:
    found = donor_photos.face(name)
    return Person(found.pixels, found.points)


@pytest.fixture
def astronaut() -> Person:
    return person("astronaut")


@pytest.fixture
def hopper() -> Person:
    return person("hopper")


@pytest.fixture
def astronaut_identity() -> Identity:
    return donor_photos.donor("astronaut")


@pytest.fixture
def hopper_identity() -> Identity:
    return donor_photos.donor("hopper")
