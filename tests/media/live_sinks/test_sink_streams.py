"""Streams over the network, each received by a real FFmpeg on this machine."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from receivers import (
    INFO,
    Voice,
    check_times,
    finish,
    frame,
    free_port,
    noisy,
    onset,
    open_descriptors,
    pictures,
    play,
    receiving,
    sound_of,
    until,
)

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import EncoderError, SettingsError, StreamError
from masquerade.core.protocols import Sink
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.programme import TITLE
from masquerade.media.live_sinks.stream import StreamSink
from masquerade.media.sound import Sound
from masquerade.testing import no_leaked_threads

KINDS = ("udp", "tcp", "rtmp", "rtsp")


def address(kind: str) -> tuple[str, str, tuple[str, ...]]:
    """What we send to, what FFmpeg listens at, and the options that make it listen."""
    port = free_port(socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    url = f"{kind}://127.0.0.1:{port}"
    match kind:
        case "udp":
            return url, f"{url}?timeout=1500000", ()
        case "tcp":
            return url, f"{url}?listen=1", ()
        case "rtmp":
            return f"{url}/live/key", f"{url}/live/key", ("-listen", "1")
    return f"{url}/show", f"{url}/show", ("-rtsp_flags", "listen")


def timed(kind: str, found: list[tuple[int, float, bool]]) -> list[tuple[int, float, bool]]:
    """The pictures that have a time: FFmpeg's receiver of RTP has none for the first packet,
    whoever sends it."""
    return found[1:] if kind == "rtsp" else found


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    before = open_descriptors()
    with no_leaked_threads():
        yield
    assert open_descriptors() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_gets_picture_and_sound(tmp_path: Path, kind: str) -> None:
    url, listen, options = address(kind)
    out = tmp_path / "out.mkv"
    sound = Sound()
    with receiving(listen, out, *options) as receiver, nothing_left():
        sink = StreamSink(url, INFO, SinkOptions(sound=sound))
        assert isinstance(sink, Sink)
        assert sink.status == ""
        play(sink, range(48), voice=Voice(sound, lambda t: 0.5 * (t >= 1.0)))
        sink.commit()
        sink.abort()
        finish(receiver)
        assert sink.dropped == 0
    found = pictures(out)
    assert [number for number, _, _ in found] == list(range(48))
    assert [number for number, _, key in found if key] == [0, 30]
    check_times(timed(kind, found))
    samples, begin = sound_of(out)
    flash = found[30][1]
    assert abs(onset(samples, begin, flash - 0.3) - flash) < 0.04
    assert abs(len(samples) / 48000 - 1.6) < 0.15


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_without_sound(tmp_path: Path, kind: str) -> None:
    url, listen, options = address(kind)
    out = tmp_path / "out.mkv"
    with receiving(listen, out, *options) as receiver:
        sink = StreamSink(url, INFO, SinkOptions())
        play(sink, range(12))
        sink.commit()
        finish(receiver)
    found = pictures(out)
    assert [number for number, _, _ in found] == list(range(12))
    check_times(timed(kind, found))


def test_the_metadata_of_rtmp_says_what_it_is(tmp_path: Path) -> None:
    url, listen, options = address("rtmp")
    out = tmp_path / "out.mkv"
    disclosure = Disclosure(b"", {"comment": "AI-composited", "label": "mark"})
    with receiving(listen, out, *options) as receiver:
        sink = StreamSink(url, INFO, SinkOptions(disclosure=disclosure))
        play(sink, range(10))
        sink.commit()
        finish(receiver)
    assert b"AI-composited" in out.read_bytes()


def test_the_title_of_a_transport_stream_says_what_it_is() -> None:
    """As datagrams carry it; by TCP it is the same container."""
    heard = bytearray()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        sink = StreamSink(f"udp://127.0.0.1:{listener.getsockname()[1]}", INFO, SinkOptions())
        play(sink, range(4))
        sink.commit()
        while TITLE.encode() not in heard:
            heard += listener.recv(65536)
    assert "AI" in TITLE


def test_the_title_of_rtsp_says_what_it_is(tmp_path: Path) -> None:
    url, listen, options = address("rtsp")
    out = tmp_path / "out.mkv"
    with receiving(listen, out, *options) as receiver:
        sink = StreamSink(url, INFO, SinkOptions())
        play(sink, range(10))
        sink.commit()
        finish(receiver)
    assert TITLE.encode() in out.read_bytes()


@pytest.mark.parametrize("kind", ["tcp", "rtmp", "rtsp"])
def test_a_receiver_that_is_killed_and_comes_back(tmp_path: Path, kind: str) -> None:
    url, listen, options = address(kind)
    place = url.partition("://")[2].partition("/")[0]
    first, second = tmp_path / "first.mkv", tmp_path / "second.mkv"
    sound = Sound()
    voice = Voice(sound)
    numbers = iter(range(10_000))
    longest = 0.0

    def send() -> None:
        nonlocal longest
        number = next(numbers)
        voice(number / 30)
        begin = time.monotonic()
        sink.write(frame(number))
        longest = max(longest, time.monotonic() - begin)
        threading.Event().wait(1 / 60)

    def sent(condition) -> bool:
        send()
        return condition()

    with nothing_left():
        with receiving(listen, first, *options):
            sink = StreamSink(url, INFO, SinkOptions(sound=sound))
            until(lambda: sent(lambda: first.exists() and first.stat().st_size > 20_000))
        until(lambda: sent(lambda: sink.status))
        assert sink.status.startswith(f"reconnecting to {place} (")
        with receiving(listen, second, *options) as receiver:
            until(lambda: sent(lambda: not sink.status), 15)
            back = next(numbers)
            for _ in range(45):
                send()
            sink.commit()
            finish(receiver)
    assert longest < 1.0
    assert sink.dropped > 0
    assert "was lost once" in sink.notices[-1]
    found = pictures(second)
    assert abs(found[0][0] - back) < 5
    assert found[0][2], "it does not begin with a key frame"
    assert len(found) > 35
    check_times(timed(kind, found))
    samples, begin = sound_of(second)
    assert abs(begin - found[0][1]) < 0.1
    assert abs(samples).max() > 0.2


@contextlib.contextmanager
def encrypted(folder: Path, port: int) -> Iterator[tuple[int, Path]]:
    """TLS in front of a server: the port, and the certificate to trust, which is for localhost."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def serve(server: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(server.accept()[0], server_side=True) as outer,
            socket.create_connection(("127.0.0.1", port)) as inner,
        ):
            back = threading.Thread(target=carry, args=(inner, outer))
            back.start()
            carry(outer, inner)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield server.getsockname()[1], certificate
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_rtmps_is_encrypted_and_asks_for_a_good_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, listen, options = address("rtmp")
    plain_port = int(url.split(":")[2].split("/")[0])
    out = tmp_path / "out.mkv"
    with receiving(listen, out, *options) as receiver:
        with encrypted(tmp_path, plain_port) as (port, _):
            secure = f"rtmps://localhost:{port}/live/key"
            with pytest.raises(StreamError, match="could not be trusted"):
                StreamSink(secure, INFO, SinkOptions())
        with encrypted(tmp_path, plain_port) as (port, certificate):
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            sink = StreamSink(f"rtmps://localhost:{port}/live/key", INFO, SinkOptions())
            play(sink, range(15))
            sink.commit()
            finish(receiver)
    found = pictures(out)
    assert [number for number, _, _ in found] == list(range(15))
    check_times(found)


def test_nobody_at_the_other_end_of_udp(tmp_path: Path) -> None:
    url, listen, options = address("udp")
    sink = StreamSink(url, INFO, SinkOptions())
    numbers = iter(range(1000))
    until(lambda: (sink.write(frame(next(numbers))), sink.status)[1])
    assert sink.status.startswith("nobody listens at 127.0.0.1:")
    with receiving(listen, tmp_path / "out.mkv", *options) as receiver:
        play(sink, range(next(numbers), 1000)[:40])
        assert sink.status == ""
        sink.commit()
        finish(receiver)
    assert pictures(tmp_path / "out.mkv")


@pytest.mark.parametrize("kind", ["tcp", "rtmp", "rtsp"])
def test_nobody_listens(kind: str) -> None:
    url, _, _ = address(kind)
    url = url.replace("://", "://user:secret@") + "/hidden-key"
    begin = time.monotonic()
    with nothing_left(), pytest.raises(StreamError, match=r"Nobody listens at 127") as caught:
        StreamSink(url, INFO, SinkOptions(connect_s=2))
    assert time.monotonic() - begin < 2
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@contextlib.contextmanager
def peer(answer: bytes | None) -> Iterator[int]:
    """A program that accepts one connection, says ``answer`` and then nothing, reading nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                held.append(server.accept()[0])
                if answer:
                    held[0].sendall(answer)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


@pytest.mark.parametrize("kind", ["rtmp", "rtmps", "rtsp"])
def test_a_peer_that_never_answers(kind: str) -> None:
    begin = time.monotonic()
    with peer(None) as port, no_leaked_threads(), pytest.raises(StreamError, match="not answer"):
        StreamSink(f"{kind}://127.0.0.1:{port}/live/key", INFO, SinkOptions(connect_s=1))
    assert time.monotonic() - begin < 2.5


@pytest.mark.parametrize("kind", ["rtmp", "rtsp"])
@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\n" * 3000, b"\xff" * 90]
)
def test_a_peer_that_speaks_something_else(kind: str, answer: bytes) -> None:
    with peer(answer) as port, no_leaked_threads(), pytest.raises(StreamError) as caught:
        StreamSink(f"{kind}://127.0.0.1:{port}/live/key", INFO, SinkOptions(connect_s=1))
    assert "speak" in str(caught.value) or "not answer" in str(caught.value)


@pytest.mark.parametrize("kind", ["rtmp", "rtsp"])
def test_a_silent_peer_does_not_stop_the_other_threads(kind: str) -> None:
    """As PyAV's own connections do: they hold Python's lock while they wait."""
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.005):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    with peer(None) as port, pytest.raises(StreamError):
        StreamSink(f"{kind}://127.0.0.1:{port}/live/key", INFO, SinkOptions(connect_s=1))
    stop.set()
    thread.join()
    assert max(b - a for a, b in itertools.pairwise(ticks)) < 0.5


def test_a_peer_that_drips(tmp_path: Path) -> None:
    """One byte now and then is no answer: the whole greeting has the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            connection = server.accept()[0]
            with connection, contextlib.suppress(OSError):
                while not stop.wait(0.05):
                    connection.sendall(b"\x03")

        thread = threading.Thread(target=drip)
        thread.start()
        begin = time.monotonic()
        with pytest.raises(StreamError, match="not answer"):
            url = f"rtmp://127.0.0.1:{server.getsockname()[1]}/live/key"
            StreamSink(url, INFO, SinkOptions(connect_s=1))
        assert time.monotonic() - begin < 2.5
        stop.set()
        thread.join()


def test_an_unknown_host() -> None:
    with pytest.raises(StreamError, match=r"not known|not answer"):
        StreamSink("rtmp://nowhere.invalid/live/key", INFO, SinkOptions(connect_s=2))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tcp", "rtmp"])
def test_a_receiver_that_freezes_holds_up_nobody(tmp_path: Path, kind: str) -> None:
    url, listen, options = address(kind)
    longest, number = 0.0, 0
    with nothing_left(), receiving(listen, tmp_path / "out.mkv", *options) as receiver:
        sink = StreamSink(url, INFO, SinkOptions(bitrate=40_000_000))
        play(sink, range(10))
        receiver.send_signal(signal.SIGSTOP)
        end = time.monotonic() + 30
        number = 10
        while not sink.status:
            assert time.monotonic() < end
            begin = time.monotonic()
            sink.write(noisy(number))
            longest = max(longest, time.monotonic() - begin)
            number += 1
        assert longest < 1.0
        begin = time.monotonic()
        sink.commit()
        assert time.monotonic() - begin < 4.0


def test_hanging_up_on_a_frozen_receiver_is_quick(tmp_path: Path) -> None:
    url, listen, options = address("tcp")
    with nothing_left(), receiving(listen, tmp_path / "out.mkv", *options) as receiver:
        sink = StreamSink(url, INFO, SinkOptions(bitrate=40_000_000))
        receiver.send_signal(signal.SIGSTOP)
        numbers = itertools.count()
        until(lambda: sink.write(noisy(next(numbers))) or sink.dropped, 20)
        begin = time.monotonic()
        sink.abort()
        assert time.monotonic() - begin < 1.0


def test_what_is_no_address() -> None:
    for spec in ("udp://127.0.0.1", "rtmp://:1935/x", "tcp://127.0.0.1:99999", "tcp://[::1:5/"):
        with pytest.raises(SettingsError, match="address"):
            StreamSink(spec, INFO, SinkOptions())
    with pytest.raises(EncoderError, match="does not go into a stream"):
        StreamSink("udp://127.0.0.1:5000", INFO, SinkOptions(encoder="libvpx-vp9"))
