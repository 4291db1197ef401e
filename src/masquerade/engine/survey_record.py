"""What a survey knows of one segment: who is where on every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.core.face import Face
    from masquerade.core.frame import Failure
    from masquerade.media.cut_source import Stretch
    from masquerade.stages.disclose import Standing

__all__ = ["FrameRecord", "SurveyPart"]


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What was found on one frame.

    Attributes:
        pts: the frame's time, as the source gives it.
        scene: grows at every cut.
        faces: those that were followed, with selection and donor.
        failures: what went wrong when they were searched.
    """

    pts: int
    scene: int
    faces: tuple[Face, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyPart:
    """One segment, with what has to be worked on before it.

    Attributes:
        index: of the segment.
        fingerprint: of the survey that it belongs to.
        stretches: what is to be read of the film; None is all of it.
        skip: how many of the first frames are worked on and not written.
        standing: where the label stands before the first frame that is written.
        seq: the number of that frame in the film.
        frames: one record for every frame of the stretches, in order.
    """

    index: int
    fingerprint: str
    stretches: tuple[Stretch, ...] | None
    skip: int
    standing: Standing
    seq: int
    frames: tuple[FrameRecord, ...]
