"""Metadata put into encoded PNG, TIFF and GIF bytes, which the encoders at hand cannot do.

OpenCV writes 16-bit PNG and TIFF but neither profiles nor XMP; Pillow writes GIF without XMP.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["gif_with_xmp", "png_chunks", "png_with_chunks", "text_chunk", "tiff_with_tags"]

_PNG_HEAD = 8 + 12 + 13
"""Signature and the whole IHDR chunk."""


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG as (type, data), up to the first image data."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"IDAT" or at + 12 + length > len(data):
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def png_with_chunks(data: bytes, chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A PNG with chunks put in behind its header; those it had of the same types are dropped."""
    fresh = list(chunks)
    replaced = {kind for kind, _ in fresh} | {b"IHDR"}
    kept = [(kind, body) for kind, body in png_chunks(data) if kind not in replaced]
    at = data.index(b"IDAT") - 4
    packed = b"".join(_png_chunk(kind, body) for kind, body in [*fresh, *kept])
    return data[:_PNG_HEAD] + packed + data[at:]


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text_chunk(key: str, text: bytes) -> tuple[bytes, bytes]:
    """An uncompressed iTXt chunk; ``text`` is UTF-8."""
    return b"iTXt", key.encode("latin-1", "replace") + b"\0\0\0\0\0" + text


def tiff_with_tags(data: bytes, tags: Mapping[int, bytes]) -> bytes:
    """A TIFF with tags of type BYTE/UNDEFINED set in its first directory.

    The directory is written anew at the end of the file and the header is pointed at it.
    """
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    entries = {}
    for index in range(count):
        entry = data[start + 2 + 12 * index : start + 14 + 12 * index]
        entries[struct.unpack_from(order + "H", entry)[0]] = entry
    following = data[start + 2 + 12 * count : start + 6 + 12 * count]
    body = data + b"\0" * (len(data) % 2)
    for tag, value in tags.items():
        kind = 1 if tag == 700 else 7
        # Values of up to four bytes would have to sit in the entry itself.
        padded = value.ljust(5, b"\0")
        entries[tag] = struct.pack(order + "HHII", tag, kind, len(padded), len(body))
        body += padded + b"\0" * (len(padded) % 2)
    directory = struct.pack(order + "H", len(entries)) + b"".join(
        entries[tag] for tag in sorted(entries)
    )
    header = body[:4] + struct.pack(order + "I", len(body))
    return header + body[8:] + directory + following


def gif_with_xmp(data: bytes, xmp: bytes) -> bytes:
    """A GIF with an XMP application extension (XMP specification part 3, section 1.1.2).

    The packet is followed by the 'magic trailer' that lets readers that know nothing of XMP
    skip it as sub-blocks.
    """
    flags = data[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    trailer = bytes([1, *range(255, -1, -1), 0])
    extension = b"\x21\xff\x0bXMP DataXMP" + xmp + trailer
    return b"GIF89a" + data[6:at] + extension + data[at:]
