"""Streams from the network: real FFmpeg senders, real servers, killed and restarted."""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from senders import (
    CODED,
    ffmpeg,
    free_port,
    make,
    needs_ffmpeg,
    publishes_rtmp,
    reply,
    sends_udp,
    tcp,
    udp_port,
    until,
    web,
)
from source_contract import assert_live_source_contract, take

from masquerade.core.errors import AddressError, MediaLimitError
from masquerade.media.limits import MediaLimits
from masquerade.media.live import SourceOptions, open_live_source
from masquerade.testing import no_leaked_threads

pytestmark = needs_ffmpeg


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A second and a half, 160x120, 20 frames a second, with B-frames and a tone."""
    return make(
        tmp_path_factory.mktemp("films") / "film.mp4",
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=20:duration=1.5",
        "-f", "lavfi", "-i", "sine=frequency=440:duration=1.5",
        "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart",
    )  # fmt: skip


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """MPEG-TS of two seconds, 160x120."""
    return make(
        tmp_path_factory.mktemp("films") / "stream.ts",
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=2", *CODED,
    )  # fmt: skip


def test_udp_contract():
    port = udp_port()
    with sends_udp(port):
        assert_live_source_contract(lambda: open_live_source(f"udp://127.0.0.1:{port}"))


def test_a_sender_that_is_killed_is_awaited():
    port = udp_port()
    options = SourceOptions(stall_s=1.0)
    with sends_udp(port) as sender:
        source = open_live_source(f"udp://127.0.0.1:{port}", options)
        with source:
            frames = iter(source)
            before = [next(frames) for _ in range(5)]
            sender.kill()
            assert source.info.size_wh == (320, 240)
            box: list = []
            again = threading.Event()
            waiting = threading.Thread(target=lambda: box.extend(_until(again, frames)))
            waiting.start()
            assert until(lambda: "opening again" in source.status)
            assert f"127.0.0.1:{port}" in source.status
            with sends_udp(port):
                again.set()
                waiting.join(15)
                assert not waiting.is_alive(), "no frame came from the new sender"
                assert until(lambda: source.status == "")
    last, first = box[-2], box[-1]
    assert first.seq == last.seq + 1
    assert first.captured_s - last.captured_s > 0.5
    assert abs(first.seconds - last.seconds - (first.captured_s - last.captured_s)) < 1e-3
    assert first.seq > before[-1].seq


def _until(again, frames):
    """Frames up to and with the first that comes after ``again``."""
    for frame in frames:
        yield frame
        if again.is_set():
            return


def test_a_connection_that_stalls_is_made_anew(stream):
    """The sender stays connected and says nothing more; the next connection works."""
    data = stream.read_bytes()
    served = []

    def serve(peer):
        served.append(peer)
        peer.sendall(data)
        if len(served) == 1:
            peer.recv(1)  # until the reader leaves

    with tcp(serve, times=2) as port:
        options = SourceOptions(stall_s=0.7)
        with open_live_source(f"tcp://127.0.0.1:{port}", options) as source:
            frames = take(source, 1) + list(_until_second(source, served))
    assert len(served) == 2
    assert frames[-1].seconds > 0.6
    assert [frame.seq for frame in frames] == list(range(len(frames)))


def _until_second(source, served):
    for frame in source:
        yield frame
        if len(served) == 2:
            return


@pytest.mark.parametrize("scheme", ["tcp", "http", "rtmp", "rtsp"])
def test_nobody_listens(scheme):
    begun_s = time.monotonic()
    with no_leaked_threads(), pytest.raises(AddressError, match="Nobody answers"):
        open_live_source(f"{scheme}://127.0.0.1:{free_port()}/a/b", SourceOptions(open_s=3))
    assert time.monotonic() - begun_s < 4


@pytest.mark.parametrize("scheme", ["tcp", "http", "rtmp", "rtsp"])
def test_somebody_listens_and_says_nothing(scheme):
    silent = threading.Event()
    with tcp(lambda _peer: silent.wait(20)) as port:
        begun_s = time.monotonic()
        with no_leaked_threads(), pytest.raises(AddressError):
            open_live_source(f"{scheme}://127.0.0.1:{port}/a/b", SourceOptions(open_s=1))
        took_s = time.monotonic() - begun_s
        silent.set()
    assert took_s < 2.5


def test_nothing_is_sent_over_udp():
    begun_s = time.monotonic()
    with no_leaked_threads(), pytest.raises(AddressError, match="within 1 s"):
        open_live_source(f"udp://127.0.0.1:{udp_port()}", SourceOptions(open_s=1))
    assert time.monotonic() - begun_s < 2.5


def test_close_while_nothing_comes(stream):
    """A reader that waits for the network ends at once, and so does its thread."""

    def serve(peer):
        peer.sendall(stream.read_bytes())
        peer.recv(1)  # until the reader leaves

    process = psutil.Process()
    with tcp(serve) as port, no_leaked_threads(join_s=0):
        before = process.num_fds()
        source = open_live_source(f"tcp://127.0.0.1:{port}", SourceOptions(stall_s=60))
        closer = threading.Timer(1.0, source.close)
        closer.start()
        for frame in source:
            last = frame
        took_s = time.perf_counter() - last.captured_s
        closer.join()
        assert until(lambda: process.num_fds() <= before + 1), "a socket is left"
    assert took_s < 5


# HTTP


def test_a_recording_over_http_keeps_its_pace(film):
    with (
        web(lambda handler: reply(handler, film.read_bytes(), "video/mp4")) as address,
        open_live_source(f"{address}/film.mp4") as source,
    ):
        assert source.sound is not None
        frames = list(source)
    assert 1.0 < frames[-1].seconds < 3
    assert len(frames) > 5


def test_a_recording_over_http_is_looped(film):
    with (
        web(lambda handler: reply(handler, film.read_bytes(), "video/mp4")) as address,
        open_live_source(f"{address}/film.mp4", SourceOptions(loop=True)) as source,
    ):
        for frame in source:
            if frame.seconds > 2:
                break
    assert frame.seconds > 2


def test_hls_is_played_at_its_pace(tmp_path):
    make(
        tmp_path / "list.m3u8",
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=20:duration=2", *CODED,
        "-f", "hls", "-hls_time", 0.5, "-hls_list_size", 0,
    )  # fmt: skip

    def answer(handler):
        reply(handler, (tmp_path / Path(handler.path).name).read_bytes())

    with web(answer) as address, open_live_source(f"{address}/list.m3u8") as source:
        frames = take(source, 15)
    assert frames[-1].seconds > 0.5


SECRET = "made of letters that must not be read"


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{file}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{file}\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nconcat:{file}|{file}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {file}\n",
    ],
    ids=["segment", "master", "concat", "ffconcat"],
)
def test_a_playlist_reaches_no_file(playlist, stream):
    text = playlist.format(file=f"file://{stream}")
    with (
        web(lambda handler: reply(handler, text.encode(), "application/x-mpegurl")) as address,
        no_leaked_threads(),
        pytest.raises(AddressError) as caught,
    ):
        open_live_source(f"{address}/list.m3u8", SourceOptions(open_s=2))
    assert str(stream) not in str(caught.value)


def test_the_same_playlist_over_http_is_played(stream):
    """What the test before refuses is refused for its protocol alone."""

    def answer(handler):
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nstream.ts\n#EXT-X-ENDLIST\n"
        body = stream.read_bytes() if handler.path.endswith(".ts") else text.encode()
        reply(handler, body)

    with web(answer) as address, open_live_source(f"{address}/list.m3u8") as source:
        take(source, 3)


@pytest.mark.parametrize("scheme", ["file", "tcp-to-file", "ftp"])
def test_a_redirect_reaches_no_other_protocol(scheme, stream):
    target = {
        "file": f"file://{stream}",
        "tcp-to-file": f"subfile,,start,0,end,0,,:{stream}",
        "ftp": f"ftp://127.0.0.1:{free_port()}/stream.ts",
    }[scheme]
    with (
        web(lambda handler: reply(handler, b"", code=302, Location=target)) as address,
        no_leaked_threads(),
        pytest.raises(AddressError),
    ):
        open_live_source(f"{address}/live.ts", SourceOptions(open_s=2))


def test_a_redirect_within_http_is_followed(stream):
    def answer(handler):
        if handler.path == "/live.ts":
            reply(handler, b"", code=302, Location="/there.ts")
        else:
            reply(handler, stream.read_bytes())

    with web(answer) as address, open_live_source(f"{address}/live.ts") as source:
        take(source, 3)


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_a_refusal_is_told_without_the_password(code):
    with web(lambda handler: reply(handler, b"no", code=code)) as address:
        secret = address.replace("http://", "http://user:hunter2@")
        with pytest.raises(AddressError) as caught:
            open_live_source(f"{secret}/cam?token=hunter3", SourceOptions(open_s=2))
    text = str(caught.value)
    assert "hunter" not in text
    assert "refuses" in text
    assert caught.value.__cause__ is None, "the cause would show the address"


# What arrives


@pytest.mark.parametrize(
    "spec",
    ["file:///etc/hostname", "concat:a.ts|b.ts", "ftp://h/x", "gopher://h/x", "subfile,,:x",
     "srt://127.0.0.1:5", "http://", "rtsp://:554/x", "udp://h:99999"],
)  # fmt: skip
def test_addresses_that_are_not_allowed(spec):
    with pytest.raises(AddressError):
        open_live_source(spec)


@pytest.mark.parametrize("kind", ["text", "noise", "nothing"])
def test_what_is_no_video(kind):
    body = {
        "text": b"<html>Welcome</html>\n" * 500,
        "noise": np.random.default_rng(0).bytes(200_000),
        "nothing": b"",
    }[kind]
    with (
        web(lambda handler: reply(handler, body)) as address,
        no_leaked_threads(),
        pytest.raises(AddressError),
    ):
        open_live_source(f"{address}/x", SourceOptions(open_s=3))


def test_sound_alone(tmp_path):
    sound = make(tmp_path / "sound.ts", "-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac")
    with (
        web(lambda handler: reply(handler, sound.read_bytes())) as address,
        pytest.raises(AddressError, match="sound alone"),
    ):
        open_live_source(f"{address}/x.ts", SourceOptions(open_s=3))


def test_pictures_that_are_too_large(stream):
    options = SourceOptions(limits=MediaLimits(max_pixels=1000))
    with (
        web(lambda handler: reply(handler, stream.read_bytes())) as address,
        pytest.raises(MediaLimitError, match="160x120"),
    ):
        open_live_source(f"{address}/x.ts", options)


def test_a_size_that_changes_is_scaled_to_the_first(tmp_path):
    parts = [
        make(
            tmp_path / f"{color}.ts",
            "-f", "lavfi", "-i", f"color={color}:size={size}:rate=25:duration=1", *CODED,
        ).read_bytes()
        for color, size in (("red", "160x120"), ("blue", "320x120"))
    ]  # fmt: skip

    done = threading.Event()

    def serve(peer):
        peer.sendall(parts[0])
        peer.sendall(parts[1])
        done.wait(10)

    with tcp(serve) as port, open_live_source(f"tcp://127.0.0.1:{port}") as source:
        assert source.info.size_wh in ((160, 120), (320, 120))
        size_wh = source.info.size_wh
        seen = [frame.pixels for frame in _all_until(source, 1.0)]
        done.set()
    assert {pixels.shape[:2] for pixels in seen} == {size_wh[::-1]}
    last = seen[-1]
    assert last[size_wh[1] // 2, size_wh[0] // 2, 0] > 200, "the last picture is blue"
    if size_wh == (160, 120):
        assert not last[:20].any(), "bars above a wide picture"


def _all_until(source, silent_s):
    """Frames until none has come for a while."""
    ended = threading.Event()
    last = [time.monotonic()]

    def watch():
        while time.monotonic() - last[0] < silent_s:
            ended.wait(0.05)
        source.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    for frame in source:
        last[0] = time.monotonic()
        yield frame
    watcher.join()


def test_rtmp_is_received_from_a_publisher_that_comes_and_goes():
    port = free_port()
    options = SourceOptions(open_s=15, stall_s=3)
    spec = f"rtmp://127.0.0.1:{port}/live/key?listen=1"
    box: list = []
    opener = threading.Thread(target=lambda: box.append(open_live_source(spec, options)))
    opener.start()
    try:
        assert until(lambda: _listens(port))
        with publishes_rtmp(port):
            opener.join(15)
            (source,) = box
            frames = take(source, 10)
            assert source.info.size_wh == (320, 240)
            tap = source.sound.tap()
            heard = []
            for frame in source:
                heard += tap.take(frame.seconds)
                if sum(part.samples for part in heard) > 24_000:
                    break
        assert until(lambda: "opening again" in source.status)
        assert until(lambda: _listens(port))
        with publishes_rtmp(port):
            more = next(iter(source))
        assert more.captured_s > frames[-1].captured_s
    finally:
        opener.join(16)
        for source in box:
            source.close()
    part = np.concatenate([part.to_ndarray()[0] for part in heard])[-9600:]
    peak = np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * 5
    assert abs(peak - 440) <= 10


def _listens(port):
    return any(
        item.status == psutil.CONN_LISTEN and item.laddr.port == port
        for item in psutil.Process().net_connections(kind="tcp")
    )


@contextlib.contextmanager
def rtsp_server(password):
    """A server of one stream over one connection, behind a password; gives its port."""
    sdp = (
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
        "a=control:track\r\n"
    )
    token = base64.b64encode(password.encode()).decode()
    feed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    feed.bind(("127.0.0.1", 0))
    feed.settimeout(0.2)

    def serve(peer):
        lines = peer.makefile("rb")
        while request := lines.readline().decode().split():
            head = {}
            while line := lines.readline().strip():
                name, _, value = line.decode().partition(":")
                head[name.lower()] = value.strip()
            method, answer, body = request[0], "200 OK", ""
            more = ["Session: 1"]
            if head.get("authorization") != f"Basic {token}":
                answer, more = "401 Unauthorized", ['WWW-Authenticate: Basic realm="x"']
            elif method == "DESCRIBE":
                body, more = sdp, ["Content-Type: application/sdp"]
            elif method == "SETUP":
                more.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            text = [f"RTSP/1.0 {answer}", f"CSeq: {head['cseq']}", *more]
            text += [f"Content-Length: {len(body)}", "", body]
            peer.sendall("\r\n".join(text).encode())
            if answer == "200 OK" and method == "PLAY":
                while True:
                    with contextlib.suppress(TimeoutError):
                        packet = feed.recv(65536)
                        peer.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)

    place = feed.getsockname()[1]
    with (
        feed,
        ffmpeg(
            "-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25", *CODED,
            "-payload_type", 96, "-f", "rtp", f"rtp://127.0.0.1:{place}?pkt_size=1200",
        ),
        tcp(serve) as port,
    ):  # fmt: skip
        yield port


def test_rtsp_behind_a_password():
    with rtsp_server("user:hunter2") as port:
        address = f"rtsp://user:hunter2@127.0.0.1:{port}/cam"
        with no_leaked_threads(), open_live_source(address) as source:
            frames = take(source, 10)
            assert "hunter" not in repr(source.status)
    assert frames[-1].size_wh == (160, 120)
    assert frames[-1].seconds > 0.2
    assert len({frame.pixels.tobytes() for frame in frames}) == 10


def test_thirty_rounds_leave_nothing(stream):
    process, threads = psutil.Process(), threading.active_count()
    with web(lambda handler: reply(handler, stream.read_bytes())) as address:
        for number in range(30):
            with open_live_source(f"{address}/x.ts") as source:
                take(source, 1)
            if number == 2:
                assert until(lambda: threading.active_count() <= threads + 1)  # the server's
                files = process.num_fds()
    assert until(lambda: threading.active_count() <= threads)
    assert until(lambda: process.num_fds() <= files)


def test_an_unread_port_is_free_again():
    port = udp_port()
    with sends_udp(port), open_live_source(f"udp://127.0.0.1:{port}") as source:
        take(source, 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", port))


def test_frames_come_thinned_out():
    port = udp_port()
    with (
        ffmpeg(
            "-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=50", *CODED, "-f", "mpegts",
            f"udp://127.0.0.1:{port}",
        ),
        open_live_source(f"udp://127.0.0.1:{port}", SourceOptions(rate=10)) as source,
    ):  # fmt: skip
        assert source.info.rate == 10
        frames = take(source, 12)
    assert frames[-1].seconds > 0.9
