"""An XMP packet at the end of an MP4 or MOV file."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["append_xmp", "xmp_box"]

# The box type for XMP in MP4 and MOV: XMP specification part 3, section 1.1.5 (MPEG-4).
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def xmp_box(xmp: bytes) -> bytes:
    """The box that carries ``xmp``, a whole packet in UTF-8."""
    body = _XMP_UUID + xmp
    return struct.pack(">I4s", 8 + len(body), b"uuid") + body


def append_xmp(path: Path, xmp: bytes) -> None:
    """Put the box behind all others; the file must be finished.

    Raises:
        OSError: as writing a file does.
    """
    with path.open("ab") as file:
        file.write(xmp_box(xmp))
