"""Binary messages of a live session: a head of 24 bytes, records of faces, and the media.

Little endian: u8 kind, u8 codec, u8 flags (bit 0: key frame), u8 faces, u32 number, f64 stamp in
milliseconds of the sender's clock, u32 width, u32 height. A record of a face has 12 bytes: u16
track, u8 state, u8 donor, 4 x u16 box.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from masquerade.core.errors import InputError

if TYPE_CHECKING:
    from masquerade.core.face_fact import FaceFact

__all__ = ["HEAD_BYTES", "NO_DONOR", "Media", "pack", "unpack"]

Kind = Literal["picture", "sound", "original"]
Codec = Literal["jpeg", "h264", "pcm", "none"]

_HEAD = struct.Struct("<BBBBIdII")
_FACE = struct.Struct("<HBB4H")
HEAD_BYTES = _HEAD.size
NO_DONOR = 255
"""The donor's number of a face that has none."""

_KINDS: dict[int, Kind] = {1: "picture", 2: "sound", 3: "original"}
_CODECS: dict[int, Codec] = {0: "none", 1: "jpeg", 2: "h264", 3: "pcm"}
_KIND_NUMBERS = {name: number for number, name in _KINDS.items()}
_CODEC_NUMBERS = {name: number for number, name in _CODECS.items()}
_STATES = {"swapped": 0, "passed": 1, "concealed": 2}
_KEY = 1
_MOST_FACES = 32
_MOST_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Media:
    """What a client sends: a picture or sound.

    Attributes:
        kind: picture or sound.
        codec: how ``data`` is encoded.
        key: whether decoding can begin with it.
        number: the client's number.
        stamp_ms: when it was captured, by the client's clock.
        data: the media.
    """

    kind: Kind
    codec: Codec
    key: bool
    number: int
    stamp_ms: float
    data: bytes


def unpack(message: bytes) -> Media:
    """Read a client's binary message.

    Raises:
        InputError: it is too short or too long, or of no kind that a client may send.
    """
    if not HEAD_BYTES < len(message) <= _MOST_BYTES:
        raise InputError(
            "A binary message must have a head of 24 bytes, and 4 MB at the most; "
            "see docs/studio-api.md."
        )
    kind, codec, flags, faces, number, stamp_ms, _width, _height = _HEAD.unpack_from(message)
    named = _KINDS.get(kind), _CODECS.get(codec)
    fits = named in (("picture", "jpeg"), ("picture", "h264"), ("sound", "pcm"))
    if not fits or faces or flags & ~_KEY or not math.isfinite(stamp_ms):
        raise InputError(
            "The head of a binary message is none that a client sends; see docs/studio-api.md."
        )
    return Media(
        _KINDS[kind], _CODECS[codec], bool(flags & _KEY), number, stamp_ms, message[HEAD_BYTES:]
    )


def pack(
    kind: Kind,
    codec: Codec,
    data: bytes,
    *,
    number: int,
    stamp_ms: float,
    size_wh: tuple[int, int],
    key: bool = True,
    faces: Sequence[FaceFact] = (),
    donors: Sequence[str] = (),
) -> bytes:
    """A binary message for a client.

    Args:
        kind: of the media.
        codec: how it is encoded.
        data: the media.
        number: of the picture, at the server.
        stamp_ms: of the picture that it was made from, as its sender gave it.
        size_wh: width and height of the picture in pixels.
        key: whether decoding can begin with it.
        faces: what became of the faces, boxes in pixels of this picture; 32 are told of.
        donors: names of donors; a face tells of its own by the place in here.
    """
    told = faces[:_MOST_FACES]
    head = _HEAD.pack(
        _KIND_NUMBERS[kind],
        _CODEC_NUMBERS[codec],
        _KEY if key else 0,
        len(told),
        number & 0xFFFFFFFF,
        stamp_ms,
        *size_wh,
    )
    places = {name: place for place, name in enumerate(donors[:NO_DONOR])}
    records = [
        _FACE.pack(
            face.track_id & 0xFFFF,
            _STATES[face.outcome],
            places.get(face.donor or "", NO_DONOR),
            *(min(max(side, 0), 0xFFFF) for side in face.box),
        )
        for face in told
    ]
    return b"".join((head, *records, data))
