"""Whether a real face was ever shown, judged frame by frame from the pictures alone.

The audit knows the target's frames, what came out, and the puppet's truth. It knows nothing of
detectors and tracks, so it cannot be wrong together with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet import FrameTruth, HeadTruth

__all__ = ["Exposure", "ExposureAudit", "is_shown", "likeness", "untouched_share"]

SHOWN_LIKENESS = 0.9
"""Likeness from which the target's own face counts as shown. Blurred and swapped faces measure
below 0.8, an untouched one 1."""

SHOWN_SHARE = 0.2
"""Untouched share of a face from which it counts as shown. Swapped faces measure below 0.06."""

_TOUCHED_LEVELS = 3

_SMALLEST_PX = 24
_FEWEST_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Counts of face frames: one visible face in one frame is one.

    Attributes:
        visible: faces that could be seen, by the puppet's truth.
        concealed: of these, swapped, held or blurred.
        before_first: shown before the face's first detection in its scene; all of its frames
            where it was never detected.
        after_return: shown in the frames between coming back into sight (from outside the
            frame, or from behind something) and the next detection.
        leaked: shown otherwise, after the first detection: must be 0.
        leaks: (frame, name) of each leak.
    """

    visible: int
    concealed: int
    before_first: int
    after_return: int
    leaked: int
    leaks: tuple[tuple[int, str], ...]


class ExposureAudit:
    """Looks at every frame of a run in order.

    Args:
        protected: names of the actors who are to be swapped; None for all.
    """

    def __init__(self, protected: frozenset[str] | None = None) -> None:
        self._protected = protected
        self._counts = dict.fromkeys(("visible", "concealed", "before_first", "after_return"), 0)
        self._leaks: list[tuple[int, str]] = []
        self._scene = -1
        self._found: dict[str, bool] = {}

    def look(self, target: NDArray[np.uint8], output: NDArray[np.uint8], truth: FrameTruth) -> None:
        """Judge one frame.

        Args:
            target: uint8 (H, W, 3) BGR, what went in.
            output: the same shape, what came out.
            truth: of the target.
        """
        if truth.scene != self._scene:
            self._scene, self._found = truth.scene, {}
        for head in truth.heads:
            if self._protected is not None and head.name not in self._protected:
                continue
            if not head.visible or head.size_px < _SMALLEST_PX:
                if head.name in self._found:
                    self._found[head.name] = False
                continue
            self._counts["visible"] += 1
            self._judge(head, is_shown(target, output, head), truth.seq)

    def _judge(self, head: HeadTruth, shown: bool, seq: int) -> None:
        """``_found``: no entry before the first detection, False while out of sight."""
        if not shown:
            self._counts["concealed"] += 1
            self._found[head.name] = True
        elif head.name not in self._found:
            self._counts["before_first"] += 1
        elif not self._found[head.name]:
            self._counts["after_return"] += 1
        else:
            self._leaks.append((seq, head.name))

    @property
    def exposure(self) -> Exposure:
        """The counts so far."""
        return Exposure(**self._counts, leaked=len(self._leaks), leaks=tuple(self._leaks))


def is_shown(target: NDArray[np.uint8], output: NDArray[np.uint8], head: HeadTruth) -> bool:
    """Whether the output shows the target's own face: by its features, or by a part untouched."""
    return (
        likeness(target, output, head) >= SHOWN_LIKENESS
        or untouched_share(target, output, head) >= SHOWN_SHARE
    )


def untouched_share(target: NDArray[np.uint8], output: NDArray[np.uint8], head: HeadTruth) -> float:
    """How much of the visible part of the true face differs by less than 3 levels, 0..1."""
    box, inside = _seen(head)
    if np.count_nonzero(inside) < _FEWEST_PX:
        return 0.0
    changed = cv2.absdiff(target[box], output[box]).max(axis=2) >= _TOUCHED_LEVELS
    return float(1 - changed[inside].mean())


def likeness(target: NDArray[np.uint8], output: NDArray[np.uint8], head: HeadTruth) -> float:
    """How far the output shows the target's own features, 1 for an untouched face.

    The correlation of both pictures' mid frequencies (difference of Gaussians between about 1 and
    6 hundredths of the face's height) inside the visible part of the true face. Light and colour
    do not count, eyes, nose, mouth and folds do.
    """
    box, inside = _seen(head)
    if np.count_nonzero(inside) < _FEWEST_PX:
        return 0.0
    a, b = (_features(picture[box], head.size_px)[inside] for picture in (target, output))
    spread = float(a.std() * b.std())
    if spread < 1e-3:
        return float(np.array_equal(target[box][inside], output[box][inside]))
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)


def _seen(head: HeadTruth) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """The visible part of a face without a rim: a box of the frame, and a mask inside it."""
    seen = cv2.bitwise_and(head.face, cv2.bitwise_not(head.occlusion))
    margin = max(3, round(0.05 * head.size_px)) | 1
    seen = cv2.erode(seen, np.ones((margin, margin), np.uint8), borderValue=0)
    x, y, width, height = cv2.boundingRect(seen)
    box = slice(y, y + height), slice(x, x + width)
    return box, seen[box] > 0


def _features(picture: NDArray[np.uint8], size_px: float) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), max(0.01 * size_px, 0.5))
    coarse = cv2.GaussianBlur(grey, (0, 0), max(0.06 * size_px, 2.0))
    return np.asarray(fine - coarse, np.float32)
