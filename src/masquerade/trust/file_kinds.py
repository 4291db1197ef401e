"""What a finished file is, told by its first bytes, as content credentials call it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["credentials_type", "head_of"]

_HEAD_BYTES = 32
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


def head_of(path: Path) -> bytes:
    """The first bytes of a file, enough for :func:`credentials_type`.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def credentials_type(head: bytes) -> str | None:
    """The media type of a file that carries credentials within itself; None for one that cannot.

    The content decides and not the name: a picture that is called ``.jpg`` may be a PNG.

    >>> credentials_type(b"GIF89a"), credentials_type(b"\\x1a\\x45\\xdf\\xa3")
    ('image/gif', None)
    """
    for beginning, media_type in _BEGINNINGS:
        if head.startswith(beginning):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "image/avif"
        return "video/quicktime" if brand == b"qt  " else "video/mp4"
    return None
