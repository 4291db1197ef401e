"""Recording to an RTSP server: ANNOUNCE, SETUP, RECORD, and RTP within the same connection.

After RFC 2326 (RTSP), 6184 (H.264), 3640 (AAC) and 2617 (signing in). FFmpeg packs the RTP; its
own RTSP client is not used because PyAV holds Python's lock while it connects.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import struct
from typing import TYPE_CHECKING

from masquerade.core.errors import StreamError
from masquerade.media.live_sinks.sound_track import SAMPLE_RATE

if TYPE_CHECKING:
    from masquerade.media.live_sinks.address import Address
    from masquerade.media.live_sinks.wire import Wire

__all__ = ["RtpChannel", "RtspRecorder", "describe"]

_FIRST_PAYLOAD_TYPE = 96
_RTCP_TYPES = range(200, 211)
_START_CODE = re.compile(rb"\x00\x00\x00?\x01")


def describe(title: str, video_header: bytes, sound_header: bytes | None) -> str:
    """The SDP of a stream.

    Args:
        title: one line.
        video_header: parameter sets of H.264, each behind a start code.
        sound_header: AudioSpecificConfig of AAC; None for no sound.
    """
    units = [unit for unit in _START_CODE.split(video_header) if unit]
    sets = [unit for unit in units if unit[0] & 0x1F in (7, 8)]
    sprop = ",".join(base64.b64encode(unit).decode() for unit in sets)
    profile = next((unit[1:4].hex() for unit in sets if unit[0] & 0x1F == 7), "42c01f")
    lines = [
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", f"s={title}", "c=IN IP4 0.0.0.0", "t=0 0",
        f"m=video 0 RTP/AVP {_FIRST_PAYLOAD_TYPE}",
        f"a=rtpmap:{_FIRST_PAYLOAD_TYPE} H264/90000",
        f"a=fmtp:{_FIRST_PAYLOAD_TYPE} packetization-mode=1; profile-level-id={profile}; "
        f"sprop-parameter-sets={sprop}",
        "a=control:streamid=0",
    ]  # fmt: skip
    if sound_header is not None:
        number = _FIRST_PAYLOAD_TYPE + 1
        lines += [
            f"m=audio 0 RTP/AVP {number}",
            f"a=rtpmap:{number} MPEG4-GENERIC/{SAMPLE_RATE}/2",
            f"a=fmtp:{number} profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
            f"indexdeltalength=3;config={sound_header.hex()}",
            "a=control:streamid=1",
        ]
    return "".join(f"{line}\r\n" for line in lines)


class RtpChannel:
    """A file that FFmpeg's RTP muxer writes to, one packet at a time.

    Args:
        wire: what the packets are sent through.
        number: which stream, from 0.
    """

    def __init__(self, wire: Wire, number: int) -> None:
        self._wire = wire
        self._number = number

    @property
    def payload_type(self) -> int:
        """What the packets are marked with."""
        return _FIRST_PAYLOAD_TYPE + self._number

    def write(self, data: bytes) -> int:
        """Send one packet of RTP, or of RTCP on the channel beside it."""
        self._wire.waiting()  # receivers' reports; and the peer's leaving shows here
        channel = 2 * self._number + (data[1] in _RTCP_TYPES)
        self._wire.send(struct.pack(">cBH", b"$", channel, len(data)) + data)
        return len(data)


class RtspRecorder:
    """Makes an RTSP server take a stream, and lets go of it.

    Args:
        wire: connected already.
        address: its path is the stream's name; user and password are given if asked for.

    Raises:
        StreamError: the server refuses, or does not speak RTSP.
    """

    def __init__(self, wire: Wire, address: Address) -> None:
        self._wire, self._address = wire, address
        self._url = f"rtsp://{address.place}{address.path}"
        self._number = 0
        self._session = ""
        self._challenge = ""

    def record(self, sdp: str, streams: int) -> None:
        """Announce ``streams`` streams as ``sdp`` describes them; packets may follow then."""
        kind = {"Content-Type": "application/sdp"}
        self._ask("ANNOUNCE", self._url, kind, sdp)
        for number in range(streams):
            pair = f"interleaved={2 * number}-{2 * number + 1}"
            transport = {"Transport": f"RTP/AVP/TCP;unicast;{pair};mode=record"}
            base, mark, query = self._url.partition("?")
            found = self._ask("SETUP", f"{base}/streamid={number}{mark}{query}", transport)
            self._session = found.get("session", "").partition(";")[0] or self._session
        self._ask("RECORD", self._url, {"Range": "npt=0.000-"})

    def close(self) -> None:
        """Say that the stream is over; the answer is not waited for."""
        with contextlib.suppress(StreamError):
            self._send("TEARDOWN", self._url, {}, "")

    def _ask(
        self, method: str, url: str, headers: dict[str, str], body: str = ""
    ) -> dict[str, str]:
        """Send a request and return the headers of the answer, their names in lower case."""
        self._send(method, url, headers, body)
        code, found = self._answer()
        if code == 401 and not self._challenge and self._address.user:
            self._challenge = found.get("www-authenticate", "")
            self._send(method, url, headers, body)
            code, found = self._answer()
        if code == 401:
            raise StreamError(
                f"{self._address.place} asks for a user and a password; write them into the "
                "address as rtsp://USER:PASSWORD@HOST."
            )
        if not 200 <= code < 300:
            raise StreamError(
                f"{self._address.place} does not take the stream ({method} was answered with "
                f"{code}); check the path."
            )
        return found

    def _send(self, method: str, url: str, headers: dict[str, str], body: str) -> None:
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: Masquerade"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self._session:
            lines.append(f"Session: {self._session}")
        if self._challenge:
            lines.append(f"Authorization: {self._signed(method, url)}")
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        self._wire.send("".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body.encode())

    def _answer(self) -> tuple[int, dict[str, str]]:
        match = re.fullmatch(rb"RTSP/1\.\d (\d{3}).*", self._wire.receive_line())
        if match is None:
            raise StreamError(f"{self._address.place} does not speak RTSP; check the address.")
        found: dict[str, str] = {}
        while line := self._wire.receive_line():
            name, _, value = line.decode("utf-8", "replace").partition(":")
            found.setdefault(name.strip().lower(), value.strip())
            if len(found) > 100:
                raise StreamError(f"{self._address.place} does not speak RTSP; check the address.")
        length = found.get("content-length", "0")
        self._wire.receive(min(int(length), 65536) if length.isdecimal() else 0)
        return int(match[1]), found

    def _signed(self, method: str, url: str) -> str:
        user, password = self._address.user, self._address.password
        if not self._challenge.lower().startswith("digest"):
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        fields = dict(re.findall(r'(\w+)="([^"]*)"', self._challenge))
        realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
        key, what = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{url}")
        return (
            f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{url}", '
            f'response="{_md5(f"{key}:{nonce}:{what}")}"'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
