"""A frame of pixels and the job that carries it through the stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.face import Face
from masquerade.core.face_fact import FaceFact, FaceOutcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame_pool import FramePool
    from masquerade.core.protocols import Stage

__all__ = ["Change", "Failure", "Frame", "FrameJob", "Patch"]


@dataclass(slots=True)
class Frame:
    """One picture of a stream.

    Attributes:
        pixels: uint8 (H, W, 3), BGR, C-contiguous. Treated as read-only by every stage.
        seq: position in the stream, 0, 1, 2, ... without gaps at the source.
        pts: presentation time in ``time_base`` units, None where the source has none.
        time_base: seconds per unit of ``pts``.
        captured_s: when the picture was taken, seconds of ``time.perf_counter``; None for files,
            whose frames have no such moment.
        faces: what became of each face; set where a live stream leaves the stages.
    """

    pixels: NDArray[np.uint8]
    seq: int = 0
    pts: int | None = None
    time_base: Fraction = Fraction(1, 1000)
    captured_s: float | None = None
    faces: tuple[FaceFact, ...] = ()

    @property
    def seconds(self) -> float:
        """Presentation time in seconds; 0.0 where the source has none."""
        return 0.0 if self.pts is None else float(self.pts * self.time_base)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(slots=True)
class Patch:
    """A finished swap of one face, waiting to be composited.

    Attributes:
        track_id: the face it belongs to.
        box: (x0, y0, x1, y1) integer frame pixels, half open, clipped to the frame.
        pixels: uint8 (y1-y0, x1-x0, 3) BGR.
        mask: uint8 (y1-y0, x1-x0); 255 takes the patch, 0 keeps the target bit for bit.
    """

    track_id: int
    box: tuple[int, int, int, int]
    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one face or with the whole frame (``track_id`` None)."""

    stage: str
    reason: str
    track_id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of stages from one frame on: other settings, another donor, another model.

    It travels on a frame, so each stage turns over between the same two frames, in its own thread.

    Attributes:
        stages: by a stage's name, a function that takes the stage and returns the one that works
            from now on: the same one set anew, or another. It must be quick and not fail; what
            takes time is prepared before.
    """

    stages: Mapping[str, Callable[[Stage], Stage]]


@dataclass(slots=True)
class FrameJob:
    """One frame on its way: what came in, what was found, what goes out.

    ``output`` starts as ``frame.pixels`` itself; whoever draws first must call
    :meth:`writable_output`, so that an untouched frame is never copied.

    Attributes:
        frame: what came in.
        faces, patches, failures: what the stages found, drew, and could not do.
        timings_ms: how long each stage took.
        scene: grows at every cut.
        detected: whether this frame was searched.
        changes: what each stage turns over to before it works on this frame.
        version: changes before and with this frame, counted from 0.
        late: past its deadline, so the stages ahead are skipped and it is concealed as a whole.
        finished_s: when the last stage was done with it, by the clock of ``Frame.captured_s``.
        pool: where the output's memory comes from; None makes it anew.
        drawing: finishes what a stage has begun to draw: waits for it and appends the patches.
    """

    frame: Frame
    faces: list[Face] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    scene: int = 0
    detected: bool = False
    changes: tuple[Change, ...] = ()
    version: int = 0
    late: bool = False
    finished_s: float = 0.0
    pool: FramePool | None = None
    drawing: Callable[[FrameJob], None] | None = None
    _output: NDArray[np.uint8] | None = None

    @property
    def lost(self) -> bool:
        """Whether the frame as a whole cannot be finished: its picture must be concealed."""
        return self.late or any(failure.track_id is None for failure in self.failures)

    def face_facts(self, *, passes: bool) -> tuple[FaceFact, ...]:
        """What became of each face that is known in the frame.

        Args:
            passes: whether a face that was chosen and cannot be swapped is shown as it is.
        """
        drawn = set() if self.lost else {patch.track_id for patch in self.patches}
        width, height = self.frame.size_wh
        facts = []
        for face in self.faces:
            shown = not face.selected or (
                passes and face.track_id not in drawn and not face.refused
            )
            outcome: FaceOutcome = "passed" if shown else "concealed"
            if face.selected and face.track_id in drawn:
                outcome = "swapped"
            x0, y0, x1, y1 = (round(float(value)) for value in face.bbox)
            box = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
            facts.append(FaceFact(face.track_id, box, outcome, face.donor))
        return tuple(facts)

    @property
    def output(self) -> NDArray[np.uint8]:
        """The picture as it stands, uint8 (H, W, 3) BGR. Read only; see writable_output."""
        return self.frame.pixels if self._output is None else self._output

    def writable_output(self) -> NDArray[np.uint8]:
        """The picture to draw on: a copy of the frame's pixels, made at the first call."""
        if self._output is None:
            pixels = self.frame.pixels
            self._output = pixels.copy() if self.pool is None else self.pool.copy(pixels)
        return self._output
