"""Outputs that are refused since nobody was swapped on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.core.errors import NoFaceInTargetError

if TYPE_CHECKING:
    from masquerade.pipeline.report import Tally

__all__ = ["nobody_to_swap", "require_face"]


def require_face(tally: Tally) -> None:
    """Refuse an output on which nobody was swapped.

    Raises:
        NoFaceInTargetError: nobody was.
    """
    if not tally.faces_selected:
        raise nobody_to_swap(tally)


def nobody_to_swap(tally: Tally) -> NoFaceInTargetError:
    """Why nobody was swapped, and what to do."""
    if tally.faces_found:
        return NoFaceInTargetError(
            "The target shows faces, but none that was asked for; loosen the filters "
            "(age, gender, reference, index) or pass --allow-no-face."
        )
    return NoFaceInTargetError(
        "The target shows no face; choose another one, lower --detect-score, "
        "or pass --allow-no-face to write it as it is."
    )
