"""A key frame that is wanted, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.stages.carry.look import Look
    from masquerade.stages.carry.turnstile import Steps
    from masquerade.stages.face_maker import Made
    from masquerade.stages.finished_face import FinishedFace
    from masquerade.stages.identity import Identity

__all__ = ["Make", "MakeInTurn", "Outcome", "Request"]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A key frame that is wanted.

    Attributes:
        pixels: uint8 (H, W, 3) BGR, the frame; nobody may write to it any more.
        landmarks: float32 (478, 3) frame pixels.
        kps: float32 (5, 2) frame pixels.
        track_id: whose it is.
        donor: name of the donor.
        identity: the donor.
        look: how the face looked.
        seq: the frame's position in the stream.
        seconds: its time.
        epoch: of whoever asks: what was asked for in an earlier one is worth nothing.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    kps: NDArray[np.float32]
    track_id: int
    donor: str
    identity: Identity
    look: Look
    seq: int
    seconds: float
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: a finished face, or the error that prevented it."""

    request: Request
    finished: FinishedFace | None
    error: Exception | None

    @classmethod
    def of(cls, request: Request, made: Made) -> Outcome:
        """What a face maker has made of it."""
        if isinstance(made, Exception):
            return cls(request, None, made)
        return cls(request, made, None)


Make = Callable[[Sequence[Request]], "Sequence[Made]"]
"""Makes the faces of some requests, all of one frame."""

MakeInTurn = Callable[[Sequence[Request], "Steps"], "Sequence[Made]"]
"""The same, while those of other frames are made: each step where its turn allows it."""
