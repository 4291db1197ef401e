"""The statement of origin of a picture in which faces are framed and described, not replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.engine.record import record_output
from masquerade.trust.credentials import Credentials
from masquerade.trust.deed import ANNOTATED
from masquerade.trust.metadata import annotation_disclosure

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure

__all__ = ["annotation_origin"]


def annotation_origin(target: Path, faces: int) -> Disclosure:
    """What such a picture says of itself: who drew on which file, and that the faces are real.

    It has no visible label and no invisible mark, both of which say that a face was replaced.

    Args:
        target: the file whose faces are shown.
        faces: how many people were found in it.

    Raises:
        SigningError: nothing can be signed here.
    """

    def statements() -> dict[str, Mapping[str, Any]]:
        own: dict[str, Mapping[str, Any]] = {
            "faces": {"described": faces, "replaced": 0},
            "report": {"made_at": datetime.now(UTC).isoformat(timespec="seconds")},
        }
        return {**own, "audit": {"entry": record_output(own)}}

    return replace(annotation_disclosure(), seal=Credentials(target, statements, deed=ANNOTATED))
