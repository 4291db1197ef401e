"""Head-like regions of a scene: where they were seen, and where they may be by now."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.boxes import iou_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["HeadMemory", "covers"]

_KEPT_S = 1.0
"""How long a region that is not seen any more is still believed in."""
_MARGIN, _MARGIN_PER_S, _MOST_MARGIN = 0.1, 0.8, 0.5
"""How much larger than seen it is taken to be on each side, as a share of it: at once, and more for
every second in which nobody saw it."""
_JOIN_IOU = 0.2
_SPEED_GAIN = 0.5
_STOPS_IN_S = 0.3
"""A region that is not seen any more is believed to stop soon, as a lost face is."""


_SLACK_S = 1e-3

_Box = tuple[float, float, float, float]


@dataclass(slots=True)
class _Region:
    box: _Box
    seen_s: float
    speed_xy: tuple[float, float] = (0.0, 0.0)

    def at(self, now_s: float) -> _Box:
        """The box moved on as it moved last, slower and slower."""
        reach_s = _STOPS_IN_S * (1 - math.exp((self.seen_s - now_s) / _STOPS_IN_S))
        right, down = (speed * reach_s for speed in self.speed_xy)
        x0, y0, x1, y1 = self.box
        return x0 + right, y0 + down, x1 + right, y1 + down

    def see(self, box: _Box, now_s: float) -> None:
        passed_s = max(now_s - self.seen_s, 1e-3)
        steps = [(box[k] + box[k + 2] - self.box[k] - self.box[k + 2]) / 2 for k in (0, 1)]
        x, y = (
            speed + _SPEED_GAIN * (step / passed_s - speed)
            for step, speed in zip(steps, self.speed_xy, strict=True)
        )
        self.box, self.seen_s, self.speed_xy = box, now_s, (x, y)


class HeadMemory:
    """Regions that were seen in the last second, carried on as they moved.

    They are worked out anew in every frame from what was seen within that second, and so depend on
    nothing that was before it: who begins to look in the middle of a scene knows the same after a
    second as who has looked from its beginning.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, list[_Box]]] = deque()

    def forget(self) -> None:
        """Another scene begins."""
        self._seen.clear()

    def update(self, boxes: Sequence[NDArray[np.float32]], now_s: float) -> None:
        """Take in what is seen in this frame.

        Args:
            boxes: float32 (4,) each, xyxy frame pixels.
            now_s: the frame's time.
        """
        while self._seen and now_s - self._seen[0][0] > _KEPT_S + _SLACK_S:
            self._seen.popleft()
        plain = [(float(b[0]), float(b[1]), float(b[2]), float(b[3])) for b in boxes]
        self._seen.append((now_s, plain))

    def places(self, now_s: float) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Of each region the box where it is thought to be, and that box with its margin."""
        found = []
        for region in self._regions():
            bbox = np.array(region.at(now_s), np.float32)
            share = min(_MARGIN + _MARGIN_PER_S * (now_s - region.seen_s), _MOST_MARGIN)
            reach = share * (bbox[2:] - bbox[:2])
            found.append((bbox, np.concatenate([bbox[:2] - reach, bbox[2:] + reach])))
        return found

    def _regions(self) -> list[_Region]:
        """Each box goes to the region that it overlaps most, or is the first of another one."""
        regions: list[_Region] = []
        for seen_s, boxes in self._seen:
            free = list(regions)
            for box in boxes:
                overlaps = [_overlap(region.at(seen_s), box) for region in free]
                best = max(range(len(free)), key=overlaps.__getitem__, default=None)
                if best is None or overlaps[best] < _JOIN_IOU:
                    regions.append(_Region(box, seen_s))
                else:
                    free.pop(best).see(box, seen_s)
        return regions


def covers(face: NDArray[np.float32], region: NDArray[np.float32]) -> bool:
    """Whether a region is about a face whose place is known: float32 (4,) boxes, xyxy.

    A part of that face (a search of a small part may take it for one), or much the same box.
    """
    overlap = float(iou_matrix(face[None], region[None])[0, 0])
    shared = np.minimum(face[2:], region[2:]) - np.maximum(face[:2], region[:2])
    sides = np.maximum(region[2:] - region[:2], 1e-6)
    return overlap >= 0.35 or float(np.clip(shared / sides, 0, 1).prod()) >= 0.8


def _overlap(a: _Box, b: _Box) -> float:
    """Intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return wide * high / max(both - wide * high, 1e-9)
