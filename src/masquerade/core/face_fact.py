"""What became of one face in a finished picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FaceFact", "FaceOutcome"]

FaceOutcome = Literal["swapped", "passed", "concealed"]
"""swapped: the donor is drawn; passed: shown as it is, since nobody chose it (or a swap failed and
the settings say ``on_lost = pass``); concealed: it was chosen and cannot be drawn, so something
else covers it."""


@dataclass(frozen=True, slots=True)
class FaceFact:
    """What became of one face, for whoever draws frames around faces.

    Attributes:
        track_id: stable number of the person within the stream.
        box: (x0, y0, x1, y1) integer frame pixels, half open, clipped to the frame.
        outcome: see FaceOutcome.
        donor: name of the identity that the face was given; None where it was given none.
    """

    track_id: int
    box: tuple[int, int, int, int]
    outcome: FaceOutcome
    donor: str | None
