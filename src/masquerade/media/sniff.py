"""What kind of bytes a file begins with, whatever its name says."""

from __future__ import annotations

from typing import Literal

__all__ = ["HEAD_BYTES", "Sniffed", "sniff"]

HEAD_BYTES = 4096
"""How much of a file's start :func:`sniff` wants to see."""

Sniffed = Literal[
    "empty", "jpeg", "png", "gif", "webp", "tiff", "bmp", "avif", "heif", "svg", "pdf", "zip",
    "playlist", "text", "unknown",
]  # fmt: skip
"""The kinds told apart; ``unknown`` may still be a video or an audio file."""

_MAGIC: tuple[tuple[bytes, Sniffed], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM", "bmp"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"mif1", b"msf1"}
_PLAYLISTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"v=0", b"<asx", b"<smil", b"<mpd")


def sniff(head: bytes) -> Sniffed:
    """The kind of a file that begins with ``head`` (its first HEAD_BYTES bytes, or fewer)."""
    if not head:
        return "empty"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _isobmff_picture(head) or "unknown"
    return _text(head) or "unknown"


def _isobmff_picture(head: bytes) -> Sniffed | None:
    if head[8:12] in (b"avif", b"avis"):
        return "avif"
    if head[8:12] in _HEIF_BRANDS:
        box = head[8 : int.from_bytes(head[:4], "big")]
        return "avif" if b"avif" in box else "heif"
    return None


def _text(head: bytes) -> Sniffed | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lowered = stripped[:1024].lower()
    if lowered.startswith(_PLAYLISTS) or b"<mpd" in lowered:
        return "playlist"
    if b"<svg" in lowered:
        return "svg"
    if b"\x00" in head:
        return None
    try:
        # The head may end in the middle of a character.
        head.decode() if len(head) < HEAD_BYTES else head[:-4].decode(errors="strict")
    except UnicodeDecodeError:
        return None
    printable = sum(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
    return "text" if printable >= 0.97 * len(head) else None
