"""Targets of the studio: what pages, programs and pages of other sites send to it."""

from __future__ import annotations

import json

from fuzz_target import FuzzTarget, scratch
from starlette.exceptions import HTTPException

from masquerade.apps.settings_file import checked_changes
from masquerade.apps.studio.access.origins import Origins
from masquerade.apps.studio.access.streams import StreamRules
from masquerade.apps.studio.api.identities import IdentityOut
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.kept_identity import FACTS, read_kept
from masquerade.apps.studio.live.binary import pack, unpack
from masquerade.apps.studio.live.messages import ChangeSettings, Start, parse_message
from masquerade.apps.studio.multipart import _Reader
from masquerade.apps.studio.shelf import Shelf
from masquerade.core.addresses import without_secrets

# Messages of a live session


def _message(data: bytes) -> None:
    message = parse_message(data.decode("utf-8", "replace"))
    if isinstance(message, Start):
        checked_changes(message.settings)
    if isinstance(message, ChangeSettings):
        checked_changes(message.changes)


def _message_seeds() -> list[bytes]:
    source = {"kind": "browser", "width": 640, "height": 480, "codec": "jpeg"}
    start = {"type": "start", "source": source, "donor": "a" * 20, "settings": {"shape": 0.5}}
    return [
        json.dumps(message).encode()
        for message in (
            start,
            {"type": "settings", "changes": {"mask": ["box"]}},
            {"type": "map", "faces": {"1": None}},
            {"type": "output", "codec": "h264", "quality": 70, "width": 320},
            {"type": "sink", "id": "rtmp", "on": True, "address": "rtmp://a/b/c"},
            {"type": "got", "seq": 3, "shown_ms": 1.5},
            {"type": "offer", "sdp": "v=0"},
            {"type": "candidate", "candidate": None, "mid": "0", "line": 0},
        )
    ]


def _binary(data: bytes) -> None:
    media = unpack(data)
    again = pack(
        media.kind,
        media.codec,
        media.data,
        number=media.number,
        stamp_ms=media.stamp_ms,
        size_wh=(1, 1),
        key=media.key,
    )
    assert unpack(again) == media


def _binary_seeds() -> list[bytes]:
    return [
        pack("picture", "jpeg", b"\xff\xd8", number=1, stamp_ms=1.0, size_wh=(2, 2)),
        pack("sound", "pcm", b"\0\0", number=2, stamp_ms=2.0, size_wh=(0, 0)),
    ]


# Uploads


def _form(data: bytes) -> None:
    reader = _Reader(b"limit")
    try:
        for start in range(0, len(data), 97):
            reader.feed(data[start : start + 97])
    except HTTPException as error:
        assert 400 <= error.status_code < 500


def _form_seeds() -> list[bytes]:
    head = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    return [b"--limit\r\n" + head + b"bytes\r\n--limit--\r\n"]


# Heads of requests, and addresses


def _head(data: bytes) -> None:
    host, _, origin = data.decode("latin-1").partition("\n")
    for config in (StudioConfig(), StudioConfig(host="0.0.0.0", insecure=True)):
        origins = Origins(config)
        origins.knows(host)
        origins.is_own_page({"host": host, "origin": origin})


def _head_seeds() -> list[bytes]:
    return [b"localhost:8990\nhttp://localhost:8990", b"[::1]:80\nhttps://[::1]:80", b"a.b\nnull"]


_RULES = StreamRules(["rtsp://camera.example/*", "rtmp://*/*"], lambda name: ["1.1.1.1"])


def _address(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    without_secrets(text)
    _RULES.check(text, remote=bool(len(data) % 2))


def _address_seeds() -> list[bytes]:
    return [
        b"rtsp://camera.example/one",
        b"rtmp://me:word@[::1]:1935/app/key?a=b",
        b"udp://239.0.0.1:5",
    ]


# The shelf of donors


def _shelf(data: bytes) -> None:
    """As one identity, as the list of all, and as clients are told of it."""
    folder = scratch() / "shelf" / "a1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FACTS).write_bytes(data)
    listed = Shelf(folder.parent).all()
    kept = read_kept(folder)
    assert listed == [kept]
    IdentityOut.of(kept).model_dump_json().encode()


def _shelf_seeds() -> list[bytes]:
    photo = {"name": "a.jpg", "quality": 0.5, "advice": ["Come closer."], "used": True}
    facts = {
        "name": "anna",
        "photos": [photo, {**photo, "used": False, "quality": 0}],
        "advice": ["Come closer."],
        "consent": "given",
        "statement": "a" * 64,
        "created": "2026-01-01T00:00:00.000+00:00",
    }
    return [json.dumps(facts).encode()]


STUDIO = (
    FuzzTarget("message", _message, _message_seeds, 4096),
    FuzzTarget("binary", _binary, _binary_seeds, 256),
    FuzzTarget("form", _form, _form_seeds, 2048),
    FuzzTarget("head", _head, _head_seeds, 512),
    FuzzTarget("address", _address, _address_seeds, 512),
    FuzzTarget("shelf", _shelf, _shelf_seeds, 2048),
)
