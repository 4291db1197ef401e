"""A real web server on this machine that behaves as badly as it is told to."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class ModelServer:
    """Serves ``files`` (path without the first slash -> bytes).

    Attributes:
        ranges: whether it can send the rest of a file.
        tags: whether it says which version a file is.
        cuts: bytes after which the next answers are cut off, one each.
        errors: codes that the next requests are answered with, one each.
        redirects: path -> address.
        silent: whether it sends the first half alone and keeps the line open.
        pause_s: between two pieces of 64 KiB.
        asked: (path, Range, If-Range) of every request.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.ranges = self.tags = True
        self.cuts: list[int] = []
        self.errors: list[int] = []
        self.redirects: dict[str, str] = {}
        self.silent = False
        self.pause_s = 0.0
        self.asked: list[tuple[str, str, str]] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def send(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.lstrip("/")
        heads = request.headers
        self.asked.append((path, heads.get("Range", ""), heads.get("If-Range", "")))
        if path in self.redirects:
            request.send_response(302)
            request.send_header("Location", self.redirects[path])
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if self.errors or path not in self.files:
            request.send_error(self.errors.pop(0) if self.errors else 404)
            return
        self._send_file(request, self.files[path])

    def _send_file(self, request: BaseHTTPRequestHandler, data: bytes) -> None:
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        same = request.headers.get("If-Range", tag) == tag
        start = int(match[1]) if match and self.ranges and same else 0
        if start and start >= len(data):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(data)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if self.tags:
            request.send_header("ETag", tag)
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        stop = min(len(data), start + self.cuts.pop(0)) if self.cuts else len(data)
        if self.silent:
            stop = start or len(data) // 2
        with contextlib.suppress(OSError):
            for at in range(start, stop, 1 << 16):
                request.wfile.write(data[at : min(stop, at + (1 << 16))])
                if self._over.wait(self.pause_s):
                    return
            if self.silent:
                self._over.wait(20)


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.send(self)
            self.close_connection = True

        def log_message(self, *_words: object) -> None:
            pass

    return Handler


def wait_for(condition, seconds: float = 20.0) -> None:
    """Look until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
