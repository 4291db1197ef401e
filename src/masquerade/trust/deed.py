"""What was done to a file, in the terms of content credentials."""

from __future__ import annotations

from dataclasses import dataclass

from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE

__all__ = ["ANNOTATED", "SWAPPED", "Deed"]


@dataclass(frozen=True, slots=True)
class Deed:
    """An edit.

    Attributes:
        action: of C2PA's list (specification 2.2, 18.15.4), such as ``c2pa.edited``.
        description: the same in words, shown by whatever reads the credentials.
        source_type: IPTC's address of the kind of source that came of it; empty where the edit
            makes the file no other kind of source than it was.
    """

    action: str
    description: str
    source_type: str = ""


SWAPPED = Deed("c2pa.edited", "faces were replaced", DIGITAL_SOURCE_TYPE)
"""Faces were replaced, or were to be."""

ANNOTATED = Deed("c2pa.drawing", "faces were framed and described; none was replaced")
"""Boxes and words were drawn over the faces: they stay real, and nothing is a composite."""
