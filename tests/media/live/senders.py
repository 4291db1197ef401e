"""Real senders for the tests of live sources: FFmpeg processes and small servers, on loopback."""

from __future__ import annotations

import contextlib
import http.server
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")

PICTURE = "testsrc2=size=320x240:rate=25"
CODED = [
    "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-bf", "0",
    "-pix_fmt", "yuv420p",
]  # fmt: skip


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def udp_port() -> int:
    return free_port(socket.SOCK_DGRAM)


@contextlib.contextmanager
def ffmpeg(*words: object) -> Iterator[subprocess.Popen[bytes]]:
    """FFmpeg at work in a process of its own, killed at the end."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", *map(str, words)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(5)


def sends_udp(port: int, picture: str = PICTURE, *more: object):
    """A sender of MPEG-TS over UDP, in real time."""
    return ffmpeg(
        "-re", "-f", "lavfi", "-i", picture, *more, *CODED,
        "-f", "mpegts", "-flush_packets", 1, f"udp://127.0.0.1:{port}?pkt_size=1316",
    )  # fmt: skip


def publishes_rtmp(port: int, picture: str = PICTURE):
    return ffmpeg(
        "-re", "-f", "lavfi", "-i", picture,
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100",
        *CODED, "-c:a", "aac", "-f", "flv", f"rtmp://127.0.0.1:{port}/live/key",
    )  # fmt: skip


def make(path: Path, *words: object) -> Path:
    """Let FFmpeg write a file."""
    subprocess.run(
        ["ffmpeg", "-nostdin", "-y", "-loglevel", "error", *map(str, words), str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return path


@contextlib.contextmanager
def web(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A web server whose answers to GET are written by ``answer``; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler, body: bytes, kind: str = "application/octet-stream", code: int = 200, **extra):
    handler.send_response(code)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in extra.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextlib.contextmanager
def tcp(serve: Callable[[socket.socket], None], times: int = 1) -> Iterator[int]:
    """A server that hands ``times`` connections to ``serve``, one after another."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    done = threading.Event()

    def run() -> None:
        for _ in range(times):
            peer = None
            while peer is None and not done.is_set():
                with contextlib.suppress(TimeoutError):
                    peer, _place = listener.accept()
            if peer is None:
                return
            peer.settimeout(20)
            with peer, contextlib.suppress(OSError):
                serve(peer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        thread.join(20)
        listener.close()


def until(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether a condition comes true in time."""
    end_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)  # a poll with a deadline
    return True
