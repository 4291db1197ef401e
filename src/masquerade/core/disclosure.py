"""What is written into an output to say that it is a composite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Disclosure"]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The statement of origin that every written file carries, as data.

    Trust composes it, sinks write it, and neither knows the other.

    Attributes:
        xmp: a whole XMP packet, UTF-8, for formats that carry one (JPEG, PNG, WebP, TIFF, MP4).
        tags: plain key and value pairs for containers that carry text tags (Matroska, MP4,
            WebM, PNG text); keys are lower case but ``AIGC``, which GB 45438 spells so.
    """

    xmp: bytes
    tags: Mapping[str, str] = field(default_factory=dict)
