"""Reading the invisible mark of pictures, however they were scaled, cut, turned or compressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.trust.watermark_code import TILE, heard
from masquerade.trust.watermark_places import VIEWS, View, evened, folded, places, seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FoundMark", "read_mark"]

_ENOUGH_IN_PLACE = 6.0
_ANCHOR_IN_PLACE = 3.0
"""What symbols and anchor must come to where an uncut picture has its mark."""

_CERTAIN = 7.2
"""What the symbols alone must come to at a place that was searched for, where the anchor is strong
because it was chosen to be."""

_ROUNDED = 400
"""In pictures of fewer lines it matters that a side was rounded to whole pixels or even ones."""

_SEARCHED = 12
"""How many pictures are searched together for a cut one."""


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A mark that was read.

    Attributes:
        number: what it says.
        certainty: in standard deviations of what one wrong number answers.
        scale: the picture's short side as a share of the marked one's; 1 if nothing was cut off,
            more than 1 if the marked picture is a part of this one.
        turned: degrees by which the picture was turned clockwise, after it was mirrored.
        mirrored: whether left and right were exchanged.
        pictures: how many were read together.
    """

    number: int
    certainty: float
    scale: float = 1.0
    turned: int = 0
    mirrored: bool = False
    pictures: int = 1


def read_mark(pictures: Iterable[NDArray[np.uint8]], *, search: bool = True) -> FoundMark | None:
    """Read the mark of pictures that carry the same one, such as frames of one video.

    What they say is added up: after 1, 2, 4, 8 and so on it is tried whether that is enough, so no
    more pictures are taken than needed.

    Args:
        pictures: uint8 (H, W) luminance or (H, W, 3) BGR, all of one size.
        search: look for cut pictures too, which takes about a second.

    Returns:
        What was read; None where there is no mark, or none that is whole.
    """
    kept: list[NDArray[np.uint8]] = []
    total, count = np.zeros((1, 1), np.float32), 0
    for picture in pictures:
        plane = _luminance(picture)
        if min(plane.shape) < TILE // 4:
            return None
        total, count = total + evened(plane), count + 1
        kept = [*kept, plane][:_SEARCHED]
        if count & (count - 1) == 0:
            found = _in_place(total, min(plane.shape), count)
            if found is not None:
                return found
    if not kept:
        return None
    found = _in_place(total, min(kept[0].shape), count) if count & (count - 1) else None
    return found or (_anywhere(kept) if search else None)


def _luminance(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _in_place(total: NDArray[np.float32], lines: int, count: int) -> FoundMark | None:
    for plane, view in product(_whole(total, lines), VIEWS):
        found = heard(folded(seen(plane, view)), _ENOUGH_IN_PLACE, _ANCHOR_IN_PLACE)
        if found and found.data >= _ENOUGH_IN_PLACE:
            return _found(found.number, found.data, 1.0, view, count)
    return None


def _whole(total: NDArray[np.float32], lines: int) -> Iterator[NDArray[np.float32]]:
    """An evened picture, and a small one as it is if a side was rounded when it was scaled."""
    yield total
    height, width = total.shape
    for side in (-1, 1) if lines < _ROUNDED else ():
        if height < width:
            size = round(width * (1 + side / lines)), height
        else:
            size = width, round(height * (1 + side / lines))
        yield np.asarray(cv2.resize(total, size), np.float32)


def _anywhere(planes: Sequence[NDArray[np.uint8]]) -> FoundMark | None:
    for place in places(planes):
        found = heard(place.tile, _CERTAIN)
        if found and found.data >= _CERTAIN:
            return _found(found.number, found.data, place.scale, place.view, len(planes))
    return None


def _found(number: int, certainty: float, scale: float, view: View, count: int) -> FoundMark:
    return FoundMark(number, certainty, scale, view.turned, view.mirrored, count)
