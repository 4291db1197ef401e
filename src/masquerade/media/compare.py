"""Whether two files show the same pixels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from masquerade.media.image import read_image
from masquerade.media.open import open_source, open_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["same_pixels"]


def same_pixels(one: Path, other: Path) -> bool:
    """Whether two pictures, animations or videos have as many frames, each of the same pixels.

    Raises:
        InputError: a file is missing or damaged.
    """
    pairs = itertools.zip_longest(_frames(one), _frames(other))
    return all(
        a is not None and b is not None and a.shape == b.shape and np.array_equal(a, b)
        for a, b in pairs
    )


def _frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    if open_target(path) == "image":
        yield read_image(path).pixels
        return
    with open_source(path) as source:
        for frame in source:
            yield frame.pixels
