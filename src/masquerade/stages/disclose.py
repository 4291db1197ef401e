"""The last stage: no finished frame leaves without passing here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.disclosure import Mark
    from masquerade.core.face import Face
    from masquerade.core.frame import Frame, FrameJob

__all__ = ["Disclose", "Label", "Standing"]

Box = tuple[int, int, int, int]

_COVERED_SHARE = 0.1
_STAY_FRAMES = 50
_FACE_MARGIN = 0.1


class Label(Protocol):
    """What can be drawn on a frame to say what it is."""

    @property
    def seconds(self) -> float | None:
        """How long from a video's start it is shown; None for all of it."""
        ...

    def places(self, size_wh: tuple[int, int]) -> Sequence[Box]:
        """Where it may stand in a frame of that size, best first; empty where nothing fits."""
        ...

    def draw(self, pixels: NDArray[np.uint8], place: Box) -> None:
        """Draw it into uint8 (H, W, 3) BGR at one of the places."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the label goes by between two frames.

    Attributes:
        start_s: time of the stream's first labelled frame; None before it.
        chosen: scene and frame size (width, height) for which the corner was chosen; None before.
        corner: number of the place.
        stayed: frames since the label has moved.
    """

    start_s: float | None = None
    chosen: tuple[int, tuple[int, int]] | None = None
    corner: int = 0
    stayed: int = 0


class Disclose:
    """Draws the label on every frame, in a corner that shows no face.

    The corner is chosen at a scene's first frame and kept; it changes within a scene only when
    a face has come under the label and another corner covers less, and not again for
    two seconds' worth of frames. With ``label`` None, the user's recorded choice, it draws
    nothing.

    Args:
        label: what is drawn.
        mark: is put into every frame, invisibly; None where the sink does it, as for files, which
            can spare the samples that a mark need not touch.
    """

    name = "disclose"

    def __init__(self, label: Label | None, mark: Mark | None = None) -> None:
        self._label, self._mark = label, mark
        self.reset()

    def reset(self) -> None:
        """Forget the stream: its start, its scene and the corner."""
        self._start_s: float | None = None
        self._chosen: tuple[int, tuple[int, int]] | None = None
        self._corner = 0
        self._stayed = 0

    def configure(self, label: Label | None, mark: Mark | None = None) -> None:
        """Draw another label and mark from the next frame on; the label's time begins then."""
        self._label, self._mark = label, mark
        self._start_s = self._chosen = None

    def process(self, job: FrameJob) -> FrameJob:
        """Mark the job's output and draw the label on it, unless the label's time is over."""
        if self._mark is not None:
            self._mark.add(job.writable_output())
        place = self.follow(job)
        if place is not None and self._label is not None:
            self._label.draw(job.writable_output(), place)
        return job

    def follow(self, job: FrameJob) -> Box | None:
        """Decide where the label stands on a frame and draw nothing; None where it does not."""
        if self._label is None or not self._is_due(self._label, job.frame):
            return None
        places = self._label.places(job.frame.size_wh)
        if not places:
            return None
        self._choose_corner(job, places)
        return places[self._corner]

    @property
    def standing(self) -> Standing:
        """Where the label stands, for :meth:`resume` in the middle of the same stream."""
        return Standing(self._start_s, self._chosen, self._corner, self._stayed)

    def resume(self, standing: Standing) -> None:
        """Go on where another one has stood."""
        self._start_s, self._chosen = standing.start_s, standing.chosen
        self._corner, self._stayed = standing.corner, standing.stayed

    def _is_due(self, label: Label, frame: Frame) -> bool:
        """A frame without a time is a still and always labelled."""
        if label.seconds is None or frame.pts is None:
            return True
        if self._start_s is None:
            self._start_s = frame.seconds
        return frame.seconds - self._start_s < label.seconds

    def _choose_corner(self, job: FrameJob, places: Sequence[Box]) -> None:
        covered = [_covered_share(place, job.faces) for place in places]
        best = int(np.argmin(covered))
        scene = (job.scene, job.frame.size_wh)
        self._stayed += 1
        if scene != self._chosen:
            self._chosen, self._corner, self._stayed = scene, best, _STAY_FRAMES
        elif (
            covered[self._corner] > max(_COVERED_SHARE, covered[best])
            and self._stayed >= _STAY_FRAMES
        ):
            self._corner, self._stayed = best, 0


def _covered_share(place: Box, faces: Sequence[Face]) -> float:
    """How much of a place the faces' boxes, a little enlarged, cover together (0 and up)."""
    x0, y0, x1, y1 = place
    total = 0.0
    for face in faces:
        grow = _FACE_MARGIN * face.size_px
        width = min(x1, face.bbox[2] + grow) - max(x0, face.bbox[0] - grow)
        height = min(y1, face.bbox[3] + grow) - max(y0, face.bbox[1] - grow)
        total += max(0.0, float(width)) * max(0.0, float(height))
    return total / ((x1 - x0) * (y1 - y0))
