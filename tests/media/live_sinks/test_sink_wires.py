"""The languages of the network, word by word."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import struct
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.core.errors import StreamError
from masquerade.media.live_sinks.address import Address
from masquerade.media.live_sinks.rtmp import RtmpPublisher, _amf, _amf_values, _MessageReader
from masquerade.media.live_sinks.rtsp import RtspRecorder, describe
from masquerade.media.live_sinks.sound_track import SoundTrack
from masquerade.media.live_sinks.spool import Spool
from masquerade.media.live_sinks.wire import Wire

VALUES = st.recursive(
    st.none() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.dictionaries(st.text(min_size=1, max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=6))
@settings(deadline=None, max_examples=60)
def test_amf_comes_back_as_it_went(values: list) -> None:
    assert _amf_values(b"".join(_amf(value) for value in values)) == values


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_amf_from_strangers_is_read_as_far_as_it_goes(data: bytes) -> None:
    assert isinstance(_amf_values(data), list)


class Recorder:
    """A wire that keeps what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def send(self, data: bytes) -> None:
        self.sent += data

    def waiting(self) -> bytes:
        return b""


def publisher() -> RtmpPublisher:
    made = object.__new__(RtmpPublisher)
    made._wire, made._pending, made._skip = Recorder(), bytearray(), 0
    made._messages, made._stream_id = _MessageReader(), 1
    return made


@given(
    st.lists(
        st.tuples(st.sampled_from((8, 9)), st.integers(0, 2**32 - 1), st.binary(max_size=9000)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 5000),
)
@settings(deadline=None, max_examples=40)
def test_messages_come_back_as_they_went(messages: list, step: int) -> None:
    sender = publisher()
    sender._send(2, 1, 0, struct.pack(">I", 4096))
    for kind, time_ms, body in messages:
        tag = bytes([kind]) + len(body).to_bytes(3) + (time_ms & 0xFFFFFF).to_bytes(3)
        tag += bytes([time_ms >> 24, 0, 0, 0]) + body
        sender.write(tag[:7])
        sender.write(tag[7:] + len(tag).to_bytes(4))
    reader, found = _MessageReader(), []
    sent = bytes(sender._wire.sent)
    for start in range(0, len(sent), step):
        reader.feed(sent[start : start + step])
        while (message := reader.take()) is not None:
            found.append(message)
    assert found == [(kind, body) for kind, _, body in messages]


def test_times_beyond_four_hours_are_extended() -> None:
    sender = publisher()
    time_ms = 5 * 3600 * 1000
    sender._send(6, 9, time_ms, b"x" * 5000, 1)
    sent = bytes(sender._wire.sent)
    assert sent[1:4] == b"\xff\xff\xff"
    assert int.from_bytes(sent[12:16]) == time_ms
    assert sent[16 + 4096 : 16 + 4096 + 5] == b"\xc6" + time_ms.to_bytes(4)


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=100)
def test_noise_from_a_server_never_hangs_the_reader(data: bytes) -> None:
    reader = _MessageReader()
    reader.feed(data)
    with contextlib.suppress(StreamError):
        for _ in range(1000):
            if reader.take() is None:
                return
        raise AssertionError("the reader never ends")


def test_the_digest_is_that_of_the_standard() -> None:
    """The example of RFC 2069, section 2.4, with its erratum 749."""
    address = Address("rtsp", "h", 554, "/", "Mufasa", "CircleOfLife")
    recorder = RtspRecorder(SimpleNamespace(), address)
    recorder._challenge = (
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    )
    signed = recorder._signed("GET", "/dir/index.html")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in signed


@pytest.mark.parametrize("challenge", ['Digest realm="a", nonce="b"', 'Basic realm="a"'])
@pytest.mark.parametrize("user", ["", "someone"])
def test_a_server_that_asks_who_we_are(challenge: str, user: str) -> None:
    """Refused at first, taken with the answer; without a user the message says what is missing."""
    asked: list[str] = []

    def serve(server: socket.socket) -> None:
        connection = server.accept()[0]
        with connection, contextlib.suppress(OSError):
            buffer = b""
            while b"TEARDOWN" not in buffer:
                while b"\r\n\r\n" not in buffer:
                    data = connection.recv(4096)
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                while length and len(buffer) < int(length[1]):
                    buffer += connection.recv(4096)
                buffer = buffer[int(length[1]) if length else 0 :]
                asked.append(head.decode())
                answer = "200 OK" if b"Authorization" in head else "401 Unauthorized"
                number = re.search(rb"CSeq: (\d+)", head)[1].decode()
                lines = [f"RTSP/1.0 {answer}", f"CSeq: {number}", "Session: 77;timeout=60"]
                lines.append(f"WWW-Authenticate: {challenge}")
                connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        port = server.getsockname()[1]
        address = Address("rtsp", "127.0.0.1", port, "/cam?x=1", user, "word")
        wire = Wire(address, threading.Event(), connect_s=3, stall_s=3)
        recorder = RtspRecorder(wire, address)
        if user:
            recorder.record(describe("t", b"\x00\x00\x01\x67abc\x00\x00\x01\x68d", None), 1)
        else:
            with pytest.raises(StreamError, match="asks for a user"):
                recorder.record("v=0\r\n", 1)
        wire.close()
        thread.join()
    if user:
        assert [line.split()[0] for line in asked] == ["ANNOUNCE", "ANNOUNCE", "SETUP", "RECORD"]
        assert f"SETUP rtsp://127.0.0.1:{port}/cam/streamid=0?x=1 RTSP/1.0" in asked[2]
        assert "Session: 77\r\n" in asked[3] + "\r\n"
        assert "word" not in asked[0]


def test_a_description_of_the_streams() -> None:
    text = describe("title", b"\x00\x00\x00\x01\x67\x42\xc0\x1fzz\x00\x00\x01\x68q", b"\x11\x90")
    assert "profile-level-id=42c01f" in text
    assert "sprop-parameter-sets=Z0LAH3p6,aHE=" in text
    assert "config=1190" in text
    assert all(line for line in text.split("\r\n")[:-1])


class Samples:
    """Stands where the encoder is: keeps samples and their times."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, np.ndarray]] = []

    def encode(self, block) -> list:
        if block is not None:
            self.kept.append((block.pts, block.to_ndarray()))
        return []


def track() -> tuple[SoundTrack, Samples]:
    made, samples = object.__new__(SoundTrack), Samples()
    made.stream, made._origin, made._at, made._encoded = samples, 0, 0, False
    return made, samples


@given(st.lists(st.tuples(st.integers(-3000, 3000), st.integers(1, 4000)), max_size=8))
@settings(deadline=None, max_examples=60)
def test_sound_has_neither_gaps_nor_overlaps(blocks: list) -> None:
    """Every sample is where its time is, whatever is missing or comes twice."""
    import av

    made, samples = track()
    made.begin(1000, 1500)
    at, sent = 1500, {}
    for shift, length in blocks:
        start = max(0, at + shift)
        data = np.arange(start, start + length, dtype=np.float32)
        block = av.AudioFrame.from_ndarray(np.stack([data, data]), "fltp", "stereo")
        block.sample_rate, block.pts = 48000, start
        list(made.take([block]))
        sent.update((number, number) for number in range(max(at, start), start + length))
        at = max(at, start + length)
    whole = [data[0] for _, data in samples.kept]
    times = [pts for pts, _ in samples.kept]
    ends = list(itertools.accumulate((len(part) for part in whole), initial=500))
    assert times == ends[:-1]
    if whole:
        heard = np.concatenate(whole)
        wanted = np.array([sent.get(1500 + index, 0) for index in range(len(heard))])
        assert (heard == wanted).all()


def test_a_spool_takes_back_what_was_begun(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    spool = Spool(path)
    spool.write(b"0123456789")
    spool.mark()
    spool.seek(2)
    spool.write(b"XY")
    spool.seek(0, 2)
    spool.write(b"more")
    real = spool._file

    class Full:
        def __getattr__(self, name: str):
            return getattr(real, name)

        def write(self, data: bytes) -> int:
            if len(data) > 4:
                raise OSError(28, "No space left on device")
            return real.write(data)

    spool._file = Full()
    assert spool.write(b"too much") == 8
    spool.write(b"and more")
    spool.seek(0)
    spool.write(b"no")
    spool.mark()
    spool.close()
    assert spool.fault is not None
    assert path.read_bytes() == b"0123456789"
