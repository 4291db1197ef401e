"""Publishing to an RTMP server: FLV tags in, RTMP messages out.

After Adobe's RTMP specification 1.0 (chunks: section 5.3, commands: 7.2) and AMF 0. FFmpeg's own
client is not used because PyAV holds Python's lock while it connects.
"""

from __future__ import annotations

import contextlib
import os
import struct
from typing import Any

from masquerade.core.errors import StreamError
from masquerade.media.live_sinks.address import Address
from masquerade.media.live_sinks.wire import Wire

__all__ = ["RtmpPublisher"]

_HANDSHAKE_BYTES = 1536
_CHUNK_BYTES = 4096
_SET_CHUNK_SIZE, _CONTROL, _COMMAND = 1, 4, 20
_AUDIO, _VIDEO, _DATA = 8, 9, 18
_PING, _PONG = 6, 7
_LARGEST_MESSAGE = 1 << 20
_FLV_HEADER_BYTES = 13  # the header, and the size of the tag before the first one
_EXTENDED = 0xFFFFFF


class RtmpPublisher:
    """A file that FFmpeg's FLV muxer writes to, at the other end of which is an RTMP server.

    Args:
        wire: connected already.
        address: its path is ``/APP/KEY``; the key may hold further slashes and a query.

    Raises:
        StreamError: the server refuses, or does not speak RTMP.
    """

    def __init__(self, wire: Wire, address: Address) -> None:
        self._wire = wire
        self._place = address.place
        self._pending = bytearray()
        self._skip = _FLV_HEADER_BYTES
        self._messages = _MessageReader()
        self._stream_id = 0
        self._handshake()
        self._publish(address)

    # What FFmpeg calls

    def write(self, data: bytes) -> int:
        """Take a piece of an FLV file; whole tags are sent at once."""
        self._pending += data
        if self._skip:
            dropped = min(self._skip, len(self._pending))
            del self._pending[:dropped]
            self._skip -= dropped
        while len(self._pending) >= 11:
            size = int.from_bytes(self._pending[1:4])
            if len(self._pending) < 11 + size + 4:
                break
            self._send_tag(bytes(self._pending[: 11 + size]))
            del self._pending[: 11 + size + 4]
        return len(data)

    def close(self) -> None:
        """Tell the server that the stream is over."""
        with contextlib.suppress(StreamError):
            self._command(6, "FCUnpublish", None, self._key)
            self._command(7, "deleteStream", None, float(self._stream_id))

    # The connection

    def _handshake(self) -> None:
        """C0 to C2 and S0 to S2, section 5.2; the digest that some clients add is not needed."""
        mine = struct.pack(">II", 0, 0) + os.urandom(_HANDSHAKE_BYTES - 8)
        self._wire.send(b"\x03" + mine)
        if self._wire.receive(1) != b"\x03":
            raise StreamError(f"{self._place} does not speak RTMP; check the address.")
        theirs = self._wire.receive(_HANDSHAKE_BYTES)
        self._wire.send(theirs)
        self._wire.receive(_HANDSHAKE_BYTES)

    def _publish(self, address: Address) -> None:
        app, _, key = address.path.lstrip("/").partition("/")
        self._key = key
        self._send(2, _SET_CHUNK_SIZE, 0, struct.pack(">I", _CHUNK_BYTES))
        url = f"{address.scheme}://{address.place}/{app}"
        self._command(
            1,
            "connect",
            {
                "app": app,
                "type": "nonprivate",
                "flashVer": "FMLE/3.0 (compatible; Masquerade)",
                "tcUrl": url,
            },
        )
        self._answer(1)
        self._command(2, "releaseStream", None, key)
        self._command(3, "FCPublish", None, key)
        self._command(4, "createStream", None)
        values = self._answer(4)
        number = values[-1] if values else None
        # Four bytes tell of it in every message.
        known = isinstance(number, float) and 0 <= number < 1 << 32
        self._stream_id = int(number) if known and number is not None else 1
        self._command(5, "publish", None, key, "live")
        self._await_publishing()

    def _command(self, number: int, name: str, *values: Any) -> None:
        body = b"".join(_amf(value) for value in (name, float(number), *values))
        channel, stream = (8, self._stream_id) if name == "publish" else (3, 0)
        self._send(channel, _COMMAND, 0, body, stream)

    def _answer(self, number: int) -> list[Any]:
        """What the server returned to a command; whatever comes before is dealt with."""
        while True:
            values = self._next_command()
            if values[:2] == ["_error", float(number)]:
                raise self._refused(values)
            if values[:2] == ["_result", float(number)]:
                return values

    def _await_publishing(self) -> None:
        while True:
            values = self._next_command()
            if values[:1] == ["onStatus"]:
                status = values[-1] if isinstance(values[-1], dict) else {}
                if status.get("code") == "NetStream.Publish.Start":
                    return
                if status.get("level") == "error":
                    raise self._refused(values)
            elif values[:2] == ["_error", 5.0]:
                raise self._refused(values)

    def _next_command(self) -> list[Any]:
        while True:
            while (message := self._messages.take()) is not None:
                kind, body = message
                if kind == _COMMAND:
                    return _amf_values(body)
                self._respond(kind, body)
            self._messages.feed(self._wire.receive(1))
            self._messages.feed(self._wire.waiting())

    def _refused(self, values: list[Any]) -> StreamError:
        status = values[-1] if isinstance(values[-1], dict) else {}
        code = str(status.get("code", ""))[:80]
        reason = f" ({code})" if code.isprintable() and code else ""
        return StreamError(
            f"{self._place} does not take the stream{reason}; check the path and the key."
        )

    def _respond(self, kind: int, body: bytes) -> None:
        if kind == _CONTROL and len(body) >= 6 and int.from_bytes(body[:2]) == _PING:
            self._send(2, _CONTROL, 0, struct.pack(">H", _PONG) + body[2:6])

    # Sending

    def _send_tag(self, tag: bytes) -> None:
        self._messages.feed(self._wire.waiting())
        while (message := self._messages.take()) is not None:
            self._respond(*message)
        kind, payload = tag[0] & 0x1F, tag[11:]
        # FLV keeps the upper byte of the time behind the lower three.
        time_ms = int.from_bytes(tag[4:7]) | tag[7] << 24
        if kind == _DATA:
            payload = _amf("@setDataFrame") + payload
        channel = {_AUDIO: 4, _VIDEO: 6}.get(kind, 5)
        self._send(channel, kind, time_ms, payload, self._stream_id)

    def _send(self, channel: int, kind: int, time_ms: int, body: bytes, stream: int = 0) -> None:
        """One message, cut into chunks; each begins anew (type 0), which every server takes."""
        late = struct.pack(">I", time_ms) if time_ms >= _EXTENDED else b""
        head = struct.pack(">B", channel) + min(time_ms, _EXTENDED).to_bytes(3)
        head += len(body).to_bytes(3) + bytes([kind]) + struct.pack("<I", stream) + late
        message = bytearray(head)
        for start in range(0, max(1, len(body)), _CHUNK_BYTES):
            if start:
                message += bytes([0xC0 | channel]) + late
            message += body[start : start + _CHUNK_BYTES]
        self._wire.send(message)


class _MessageReader:
    """Puts the server's chunks together, section 5.3.1."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._chunk_bytes = 128
        self._heads: dict[int, tuple[int, int, bool]] = {}  # size, kind, extended time
        self._bodies: dict[int, bytearray] = {}

    def feed(self, data: bytes) -> None:
        self._data += data

    def take(self) -> tuple[int, bytes] | None:
        """Kind and body of the next message that is whole by now."""
        while (channel := self._take_chunk()) is not None:
            size, kind, _ = self._heads[channel]
            if len(self._bodies[channel]) < size:
                continue
            body = bytes(self._bodies.pop(channel))
            if kind != _SET_CHUNK_SIZE or len(body) != 4:
                return kind, body
            self._chunk_bytes = max(1, int.from_bytes(body) & 0x7FFFFFFF)
        return None

    def _take_chunk(self) -> int | None:
        """Move one chunk to the body it belongs to; its channel, None if it is not whole yet."""
        data = self._data
        if len(data) < 3:
            return None
        form, channel, at = data[0] >> 6, data[0] & 0x3F, 1
        if channel < 2:
            at = 2 + channel
            channel = 64 + int.from_bytes(data[1:at], "little")
        fields = (11, 7, 3, 0)[form]
        if len(data) < at + fields:
            return None
        size, kind, extended = self._heads.get(channel, (0, 0, False))
        if fields:
            extended = int.from_bytes(data[at : at + 3]) == _EXTENDED
        if fields >= 7:
            size, kind = int.from_bytes(data[at + 3 : at + 6]), data[at + 6]
        if size > _LARGEST_MESSAGE:
            raise StreamError("The RTMP server sends what makes no sense; check the address.")
        at += fields + 4 * extended
        body = self._bodies.get(channel, bytearray())
        end = at + min(size - len(body), self._chunk_bytes)
        if len(data) < end:
            return None
        self._heads[channel] = size, kind, extended
        self._bodies[channel] = body + data[at:end]
        del data[:end]
        return channel


def _amf(value: Any) -> bytes:
    """A value in AMF 0."""
    match value:
        case None:
            return b"\x05"
        case float():
            return b"\x00" + struct.pack(">d", value)
        case str():
            data = value.encode()
            return b"\x02" + struct.pack(">H", len(data)) + data
        case dict():
            items = b"".join(_amf(key)[1:] + _amf(item) for key, item in value.items())
            return b"\x03" + items + b"\x00\x00\x09"
    raise TypeError(f"no AMF for {type(value).__name__}")


def _amf_values(data: bytes) -> list[Any]:
    """The values of a command; ends at the first that is of an unknown kind or cut off."""
    values, at = [], 0
    try:
        while at < len(data):
            value, at = _amf_value(data, at)
            values.append(value)
    except (ValueError, struct.error, IndexError, RecursionError):
        pass
    return values


def _amf_value(data: bytes, at: int) -> tuple[Any, int]:
    kind, at = data[at], at + 1
    if kind == 0:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind == 1:
        return bool(data[at]), at + 1
    if kind == 2:
        return _amf_text(data, at)
    if kind in (5, 6):
        return None, at
    if kind in (3, 8):
        at += 4 * (kind == 8)
        found = {}
        while data[at : at + 3] != b"\x00\x00\x09":
            name, at = _amf_text(data, at)
            found[name], at = _amf_value(data, at)
        return found, at + 3
    raise ValueError(kind)


def _amf_text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">H", data, at)
    return data[at + 2 : at + 2 + length].decode("utf-8", "replace"), at + 2 + length
