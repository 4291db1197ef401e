"""The strict mode: every head that is not a finished swap is hidden, whoever it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from masquerade.core.frame_clock import FrameClock
from masquerade.stages.composite import conceal
from masquerade.stages.heads import HeadMemory, covers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings

__all__ = ["FindsHeads", "Strict"]

_MIN_SCORE, _MIN_SCORE_TURNED = 0.3, 0.4
"""Detector scores from which something is taken for a head: too much is hidden rather than too
little. Of what is none, one in forty looks reaches them."""
_TURNS = (1, 3, 2)
"""Quarter turns of the picture in which heads that do not stand upright are searched, by turns."""


class FindsHeads(Protocol):
    """What Strict needs of a detector; ``Detector`` fits."""

    def find(
        self, pixels_bgr: NDArray[np.uint8], min_score: float, *, thorough: bool, turn: int
    ) -> list[Face]:
        """Upright heads of one frame."""
        ...

    def find_turned(
        self, pixels_bgr: NDArray[np.uint8], quarters: int, min_score: float, *, thorough: bool
    ) -> list[Face]:
        """Heads that stand upright once the picture is turned, in frame pixels."""
        ...


class Strict:
    """Hides the heads of bystanders, of the lost, and of whoever was never followed.

    It does nothing unless ``settings.strict``. Then it searches every frame by itself, with a low
    threshold: the first one of a scene thoroughly and in all four turns, the others quickly,
    another part of the frame and another turn each time. Hidden is what it finds, what it has found
    within the last second (larger, and carried on as it moved), and every followed face without a
    patch of this frame. Only the hull of a finished swap's own face is never covered.

    Args:
        detector: searches; it need not be the one that faces are followed with.
        settings: ``strict`` and ``on_lost`` (flat grey for "blank", else blur) are read.
    """

    name = "strict"

    def __init__(self, detector: FindsHeads, settings: Settings) -> None:
        self._detector = detector
        self._settings = settings
        self._clock = FrameClock()
        self._memory = HeadMemory()
        self.reset()

    def configure(self, settings: Settings) -> None:
        """Take other settings from the next frame on; switched on, it searches thoroughly first."""
        if settings.strict != self._settings.strict:
            self.reset()
        self._settings = settings

    def reset(self) -> None:
        """Forget the stream."""
        self._clock.reset()
        self._memory.forget()
        self._scene = -1
        self._turn = 0

    def resume(self, searches: int) -> None:
        """Go on searching where one would that has made so many searches; not its memory."""
        self._turn = searches

    def process(self, job: FrameJob) -> FrameJob:
        """Hide in the job's output what is no finished swap.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        if not self._settings.strict:
            return job
        now_s = self._clock.tick(job.frame)
        begins = job.scene != self._scene
        if begins:
            self._memory.forget()
            self._scene = job.scene
        drawn = {patch.track_id for patch in job.patches}
        swapped = [face for face in job.faces if face.selected and face.track_id in drawn]
        heads = [head.bbox for head in self._search(job.frame.pixels, thorough=begins)]
        strange = [box for box in heads if not _is_one_of(box, swapped)]
        self._memory.update(strange, now_s)
        hide = [wide for box, wide in self._memory.places(now_s) if not _is_one_of(box, swapped)]
        swaps = {face.track_id for face in swapped}
        hide += [face.bbox for face in job.faces if face.track_id not in swaps]
        if hide:
            self._hide(job.writable_output(), hide, swapped)
        return job

    def _search(self, pixels: NDArray[np.uint8], *, thorough: bool) -> list[Face]:
        turns = _TURNS if thorough else (_TURNS[self._turn % len(_TURNS)],)
        found = self._detector.find(pixels, _MIN_SCORE, thorough=thorough, turn=self._turn)
        for quarters in turns:
            found += self._detector.find_turned(
                pixels, quarters, _MIN_SCORE_TURNED, thorough=thorough
            )
        self._turn += 1
        return found

    def _hide(
        self, picture: NDArray[np.uint8], boxes: list[NDArray[np.float32]], swapped: list[Face]
    ) -> None:
        """Conceal the boxes in place, but for the faces that were swapped."""
        finished = [(hull, picture[hull.part].copy()) for hull in map(_Hull, swapped)]
        for bbox in boxes:
            conceal(picture, bbox, blank=self._settings.on_lost == "blank")
        for hull, kept in finished:
            cv2.copyTo(kept, hull.mask(kept.shape), picture[hull.part])


class _Hull:
    """The outline of a face and the part of the frame that holds it."""

    def __init__(self, face: Face) -> None:
        points = None if face.landmarks is None else face.landmarks[:468, :2]
        outline = np.zeros((1, 2), np.float32) if points is None else points
        self._points = cv2.convexHull(np.rint(outline).astype(np.int32)).reshape(-1, 2)
        self._empty = points is None
        low, high = np.maximum(self._points.min(0), 0), np.maximum(self._points.max(0) + 1, 0)
        self._origin = low
        self.part = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))

    def mask(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """255 in the face, 0 around it."""
        mask = np.zeros(shape[:2], np.uint8)
        if not self._empty and mask.size:
            cv2.fillConvexPoly(mask, (self._points - self._origin).astype(np.int32), 255)
        return mask


def _is_one_of(box: NDArray[np.float32], faces: list[Face]) -> bool:
    return any(covers(face.bbox, box) for face in faces)
