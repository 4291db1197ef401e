"""Motion JPEG, watched by real clients."""

from __future__ import annotations

import io
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse

import cv2
import numpy as np
import pytest
from PIL import Image
from receivers import frame, free_port, noisy, number_of, open_descriptors, until

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import OutputError, SettingsError
from masquerade.core.protocols import Sink
from masquerade.core.settings import Settings
from masquerade.media.live_sinks.mjpeg import MjpegSink
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.testing import no_leaked_threads
from masquerade.trust.metadata import build_disclosure

XMP = build_disclosure(Settings()).xmp


@pytest.fixture
def sink() -> Iterator[MjpegSink]:
    before = open_descriptors()
    with no_leaked_threads():
        sink = MjpegSink("http://127.0.0.1:0", SinkOptions(disclosure=Disclosure(XMP)))
        yield sink
        sink.commit()
        sink.abort()
    assert open_descriptors() == before


def next_picture(response: HTTPResponse) -> np.ndarray:
    """Read one part of the stream: boundary, head, JPEG."""
    length = 0
    while (line := response.readline()) != b"\r\n" or not length:
        assert line, "the stream has ended"
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    data = response.read(length)
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def viewers() -> int:
    return sum("mjpeg-viewer" in thread.name for thread in threading.enumerate())


def test_two_viewers_see_the_same_and_one_encoding_serves_both(
    sink: MjpegSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(sink, Sink)
    encoded = []
    encode = MjpegSink._encode
    monkeypatch.setattr(
        MjpegSink, "_encode", lambda self, pixels: encoded.append(1) or encode(self, pixels)
    )
    sink.write(frame(1))
    assert not encoded, "encoded although nobody watches"
    with (
        urllib.request.urlopen(sink.stream_url, timeout=5) as first,
        urllib.request.urlopen(sink.stream_url, timeout=5) as second,
    ):
        assert first.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        until(lambda: sink._newest._watching == 2)
        for number in (5, 6, 7):
            sink.write(frame(number))
            for viewer in (first, second):
                assert number_of(next_picture(viewer)) == number
        assert len(encoded) == 3


def test_who_reads_nothing_holds_up_nobody(sink: MjpegSink) -> None:
    host, port = "127.0.0.1", sink._server.server_address[1]
    with (
        socket.create_connection((host, port)) as stuck,
        urllib.request.urlopen(sink.stream_url, timeout=5) as reader,
    ):
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.sendall(b"GET /stream.mjpg HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        until(lambda: sink._newest._watching == 2)
        for number in range(60):
            sink.write(noisy(number))
            assert number_of(next_picture(reader)) == number
        sink.commit()
        assert viewers() == 0


def test_a_slow_viewer_gets_the_newest_picture(sink: MjpegSink) -> None:
    with urllib.request.urlopen(sink.stream_url, timeout=5) as reader:
        until(lambda: sink._newest._watching == 1)
        for number in range(300):
            sink.write(noisy(number))
        seen = []
        while not seen or seen[-1] != 299:
            seen.append(number_of(next_picture(reader)))
        assert seen == sorted(set(seen))
        assert len(seen) < 200


def test_viewers_that_leave_are_forgotten(sink: MjpegSink) -> None:
    for _ in range(3):
        with urllib.request.urlopen(sink.stream_url, timeout=5):
            until(lambda: sink._newest._watching == 1)
        until(lambda: (sink.write(noisy(1)), sink._newest._watching == 0)[1])
    until(lambda: viewers() == 0)


def test_the_page_and_the_snapshot(sink: MjpegSink) -> None:
    assert sink.url in sink.notices[0]
    with urllib.request.urlopen(sink.url, timeout=5) as response:
        page = response.read().decode()
    assert "<h1>This video is synthetic" in page
    assert 'src="/stream.mjpg"' in page
    stop = threading.Event()

    def show() -> None:
        while not stop.wait(0.02):
            sink.write(frame(321))

    thread = threading.Thread(target=show)
    thread.start()
    with urllib.request.urlopen(f"{sink.url}snapshot.jpg", timeout=5) as response:
        data = response.read()
    stop.set()
    thread.join()
    assert number_of(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)) == 321
    assert Image.open(io.BytesIO(data)).info["xmp"] == XMP


def test_what_is_not_there(sink: MjpegSink) -> None:
    for path, code in (("nothing", 404), ("snapshot.jpg", 503)):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(sink.url + path, timeout=5)
        assert caught.value.code == code
        caught.value.close()


def test_a_strange_name_is_refused(sink: MjpegSink) -> None:
    """A web page may let its own name point to this machine and read what is served here."""
    request = urllib.request.Request(sink.stream_url, headers={"Host": "evil.example:80"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    assert caught.value.code == 421
    caught.value.close()


def test_noise_instead_of_http(sink: MjpegSink) -> None:
    for noise in (b"\x00\xff\x16\x03" * 50, b"GET\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n", b""):
        with socket.create_connection(sink._server.server_address[:2], 5) as client:
            client.sendall(noise)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
    until(lambda: viewers() == 0)


def test_a_path_of_its_own() -> None:
    sink = MjpegSink(f"http://127.0.0.1:{free_port()}/cam/one", SinkOptions())
    with urllib.request.urlopen(sink.url, timeout=5) as response:
        assert b'src="/cam/one"' in response.read()
    with urllib.request.urlopen(sink.stream_url, timeout=5) as reader:
        until(lambda: sink._newest._watching == 1)
        sink.write(frame(9))
        assert number_of(next_picture(reader)) == 9
    sink.abort()


def test_places_where_it_cannot_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, no_leaked_threads():
        port = server.getsockname()[1]
        with pytest.raises(OutputError, match=rf"port {port} is in use"):
            MjpegSink(f"http://127.0.0.1:{port}", SinkOptions())
    with pytest.raises(OutputError, match="no address of this machine"):
        MjpegSink("http://192.0.2.1:8080", SinkOptions())
    with pytest.raises(OutputError, match="not known"):
        MjpegSink("http://nowhere.invalid:8080", SinkOptions())
    with pytest.raises(SettingsError, match="no port"):
        MjpegSink("http://127.0.0.1", SinkOptions())
    with pytest.raises(SettingsError, match="no passwords") as caught:
        MjpegSink("http://user:secret@127.0.0.1:8080", SinkOptions())
    assert "secret" not in str(caught.value)
    with pytest.raises(SettingsError, match="another path"):
        MjpegSink("http://127.0.0.1:0/snapshot.jpg", SinkOptions())
