"""Head-like regions of a scene: where they were seen, and where they may be by now."""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Region:
    bbox: NDArray[np.float32]
    seen_s: float
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def at(self, now_s: float) -> NDArray[np.float32]:
        """The box moved on as it moved last, slower and slower."""
        age = now_s - self.seen_s
        way = self.speed * _STOPS_IN_S * (1 - np.exp(-age / _STOPS_IN_S))
        return self.bbox + np.tile(way, 2).astype(np.float32)

    def see(self, bbox: NDArray[np.float32], now_s: float) -> None:
        step = (bbox - self.bbox).reshape(2, 2).mean(axis=0) / max(now_s - self.seen_s, 1e-3)
        self.speed += _SPEED_GAIN * (step - self.speed)
        self.bbox, self.seen_s = bbox, now_s


class HeadMemory:
    """Regions that were seen in the last second, carried on as they moved."""

    def __init__(self) -> None:
        self._regions: list[_Region] = []

    def forget(self) -> None:
        """Another scene begins."""
        self._regions.clear()

    def update(self, boxes: Sequence[NDArray[np.float32]], now_s: float) -> None:
        """Take in what is seen in this frame.

        Args:
            boxes: float32 (4,) each, xyxy frame pixels.
            now_s: the frame's time.
        """
        self._regions = [item for item in self._regions if now_s - item.seen_s <= _KEPT_S]
        open_regions = list(self._regions)
        for bbox in boxes:
            region = _best(open_regions, bbox, now_s)
            if region is None:
                self._regions.append(_Region(bbox.astype(np.float32), now_s))
            else:
                region.see(bbox.astype(np.float32), now_s)
                open_regions = [item for item in open_regions if item is not region]

    def places(self, now_s: float) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Of each region the box where it is thought to be, and that box with its margin."""
        found = []
        for region in self._regions:
            bbox = region.at(now_s)
            share = min(_MARGIN + _MARGIN_PER_S * (now_s - region.seen_s), _MOST_MARGIN)
            reach = share * (bbox[2:] - bbox[:2])
            found.append((bbox, np.concatenate([bbox[:2] - reach, bbox[2:] + reach])))
        return found


def covers(face: NDArray[np.float32], region: NDArray[np.float32]) -> bool:
    """Whether a region is about a face whose place is known: float32 (4,) boxes, xyxy.

    A part of that face (a search of a small part may take it for one), or much the same box.
    """
    overlap = float(iou_matrix(face[None], region[None])[0, 0])
    shared = np.minimum(face[2:], region[2:]) - np.maximum(face[:2], region[:2])
    sides = np.maximum(region[2:] - region[:2], 1e-6)
    return overlap >= 0.35 or float(np.clip(shared / sides, 0, 1).prod()) >= 0.8


def _best(regions: Sequence[_Region], bbox: NDArray[np.float32], now_s: float) -> _Region | None:
    if not regions:
        return None
    places = np.stack([region.at(now_s) for region in regions])
    overlap = iou_matrix(bbox[None].astype(np.float32), places)[0]
    best = int(np.argmax(overlap))
    return regions[best] if overlap[best] >= _JOIN_IOU else None
