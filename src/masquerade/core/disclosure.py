"""What is written into an output to say that it is a composite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SIDECAR_SUFFIX", "Disclosure", "Mark", "Seal"]

SIDECAR_SUFFIX = ".credentials.json"
"""Of the file beside an output whose format cannot carry its credentials: ``film.mkv`` has
``film.mkv.credentials.json``."""


class Seal(Protocol):
    """Signs a finished file before it takes its name."""

    def __call__(self, finished: Path, signed: Path, parts: Sequence[Path]) -> bytes | None:
        """Write the signed copy of ``finished`` to ``signed``, both of the output's extension.

        Args:
            finished: the file.
            signed: where the copy goes.
            parts: further files of the same output, in its folder, such as a stream's segments.

        Returns:
            None; or, for a format that cannot carry credentials, what is to be written beside the
            output under its name and :data:`SIDECAR_SUFFIX`. ``signed`` is not made then.

        Raises:
            SigningError: it cannot be signed.
            OSError: as reading and writing files does.
        """
        ...


class Mark(Protocol):
    """Puts an invisible mark into pictures."""

    def add(self, samples: NDArray[Any], peak: int = 255) -> None:
        """Mark a picture or its plane of luminance, in place.

        Args:
            samples: uint8 or uint16, (H, W) luminance or (H, W, 3) in any order of colours.
            peak: the value of white, such as 1023 for 10 bits.
        """
        ...


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The statement of origin that every written file carries, as data.

    Trust composes it, sinks write it, and neither knows the other.

    Attributes:
        xmp: a whole XMP packet, UTF-8, for formats that carry one (JPEG, PNG, WebP, TIFF, MP4).
        tags: plain key and value pairs for containers that carry text tags (Matroska, MP4,
            WebM, PNG text); keys are lower case but ``AIGC``, which GB 45438 spells so.
        seal: signs the file with content credentials; see ``trust/credentials.py``.
        mark: is put into every picture that is written; None where the pictures have it already,
            as those of a live stream do, or where none is wanted.
    """

    xmp: bytes
    tags: Mapping[str, str] = field(default_factory=dict)
    seal: Seal | None = None
    mark: Mark | None = None
