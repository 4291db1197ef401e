"""A client of live sessions: what a page does, in a few lines of Python."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
from studio_harness import BEARER, TOKEN, Running
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from masquerade.media.live_sinks import SinkOptions, open_live_sink
from masquerade.testing import MemorySource

HEAD = struct.Struct("<BBBBIdII")
FACE = struct.Struct("<HBB4H")
DONORS = {"mona_lisa": "a" * 20, "astronaut": "b" * 20}
QUIET = {"label": "none"}
BROWSER = {"kind": "browser", "width": 320, "height": 240, "rate": 30, "codec": "jpeg"}


@dataclass
class Picture:
    """A picture that came back."""

    kind: int
    codec: int
    key: bool
    number: int
    stamp_ms: float
    size_wh: tuple[int, int]
    faces: list[tuple[int, ...]]
    data: bytes

    @classmethod
    def of(cls, message: bytes) -> Picture:
        kind, codec, flags, count, number, stamp, *size = HEAD.unpack_from(message)
        body = message[HEAD.size :]
        faces = [FACE.unpack_from(body, FACE.size * place) for place in range(count)]
        data = body[FACE.size * count :]
        return cls(kind, codec, bool(flags & 1), number, stamp, tuple(size), faces, data)

    def pixels(self) -> np.ndarray:
        assert self.codec == 1
        return cv2.imdecode(np.frombuffer(self.data, np.uint8), cv2.IMREAD_COLOR)


@dataclass
class Client:
    """One connection. Pictures are answered as a page would answer them."""

    socket: ClientConnection
    said: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    answers: bool = True
    sent: int = 0

    def say(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def start(self, source: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Start a session and wait until it has."""
        wish = {"source": source or BROWSER, "donor": DONORS["mona_lisa"], **fields}
        self.say("start", **wish)
        return self.wait_for("started")

    def push(self, data: bytes, *, codec: int = 1, key: bool = True, kind: int = 1) -> float:
        """Send a picture or sound; the stamp that it got."""
        stamp = time.perf_counter() * 1000
        head = HEAD.pack(kind, codec, key, 0, self.sent, stamp, 320, 240)
        self.socket.send(head + data)
        self.sent += 1
        return stamp

    def receive(self, timeout_s: float = 20.0) -> dict[str, Any] | Picture:
        """The next thing that the server says or sends."""
        message = self.socket.recv(timeout_s)
        if isinstance(message, str):
            self.said.append(json.loads(message))
            return self.said[-1]
        picture = Picture.of(message)
        self.pictures.append(picture)
        if self.answers:
            self.say("got", seq=picture.number, shown_ms=0)
        return picture

    def wait_for(self, kind: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """The next words of that kind."""
        found = self.until(lambda item: isinstance(item, dict) and item["type"] == kind, timeout_s)
        assert isinstance(found, dict)
        return found

    def picture(self, timeout_s: float = 30.0) -> Picture:
        """The next picture."""
        found = self.until(lambda item: isinstance(item, Picture), timeout_s)
        assert isinstance(found, Picture)
        return found

    def until(
        self, fits: Callable[[dict[str, Any] | Picture], bool], timeout_s: float = 30.0
    ) -> dict[str, Any] | Picture:
        """The next thing that fits."""
        end_s = time.monotonic() + timeout_s
        while True:
            item = self.receive(max(0.01, end_s - time.monotonic()))
            if fits(item):
                return item

    def closed(self, timeout_s: float = 20.0) -> tuple[int, str]:
        """Wait for the end; its code and reason."""
        end_s = time.monotonic() + timeout_s
        try:
            while True:
                self.receive(max(0.01, end_s - time.monotonic()))
        except ConnectionClosed as ended:
            assert ended.rcvd is not None
            return ended.rcvd.code, ended.rcvd.reason


@contextmanager
def connected(studio: Running, **options: Any) -> Iterator[Client]:
    """A client of a studio; without a session as yet."""
    options.setdefault("subprotocols", ["masquerade.v1"])
    options.setdefault("additional_headers", {"Authorization": f"Bearer {TOKEN}"})
    address = f"ws://127.0.0.1:{studio.port}/api/v1/live"
    with connect(address, max_size=None, compression=None, **options) as socket:
        yield Client(socket)


def jpegs(pictures: list[np.ndarray]) -> list[bytes]:
    """The pictures as JPEGs."""
    return [cv2.imencode(".jpg", pixels)[1].tobytes() for pixels in pictures]


def h264(pictures: list[np.ndarray]) -> list[tuple[bytes, bool]]:
    """The pictures as access units of H.264, and which of them are key frames."""
    context = av.CodecContext.create("libx264", "w")
    context.height, context.width = pictures[0].shape[:2]
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 30)
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "18"}
    units = []
    for place, pixels in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        frame.pts = place
        units += [(bytes(packet), packet.is_keyframe) for packet in context.encode(frame)]
    return units


def upload_film(studio: Running, pictures: list[np.ndarray], path: Path) -> str:
    """Upload the pictures as a film of ten a second that is written to ``path``; its id."""
    source = MemorySource(pictures, rate=10)
    sink = open_live_sink(str(path), source.info, SinkOptions())
    for frame in source:
        sink.write(frame)
    sink.commit()
    answer = httpx.post(
        f"{studio.root}/api/v1/uploads",
        files={"file": (path.name, path.read_bytes(), "video/mp4")},
        headers=BEARER,
    )
    return str(answer.json()["id"])


def pump(client: Client, pictures: list[bytes], count: int) -> list[Picture]:
    """Push a picture and wait for the answer to it, again and again."""
    found = []
    for place in range(count):
        stamp = client.push(pictures[place % len(pictures)])
        answer = client.until(
            lambda item, stamp=stamp: isinstance(item, Picture) and item.stamp_ms >= stamp
        )
        assert isinstance(answer, Picture)
        found.append(answer)
    return found
