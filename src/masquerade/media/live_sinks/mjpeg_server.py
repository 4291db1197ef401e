"""The web server behind a Motion JPEG stream."""

from __future__ import annotations

import contextlib
import html
import ipaddress
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

__all__ = ["MjpegServer", "NewestPicture"]

_MOST_VIEWERS = 32
_BOUNDARY = "masquerade-frame"
_SNAPSHOT_S = 2.0
_STUCK_S = 10.0  # a viewer that takes nothing for so long is let go

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Masquerade: synthetic video</title>
<style>
body {{ margin: 0; background: #111; color: #eee; font-family: sans-serif; text-align: center }}
h1 {{ font-size: 1.1rem; font-weight: normal }}
img {{ max-width: 100%; max-height: 88vh }}
</style>
</head>
<body>
<h1>This video is synthetic: its faces were swapped with AI.</h1>
<img src="{stream}" alt="The live stream">
</body>
</html>
"""


class NewestPicture:
    """The newest picture, for many who wait for it; older ones are forgotten."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._data = b""
        self._number = 0
        self._watching = 0
        self._ended = False

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for pictures."""
        return self._watching > 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[int]:
        """Be counted as one who waits, from the picture on whose number is given."""
        with self._changed:
            self._watching += 1
            number = self._number
        try:
            yield number
        finally:
            with self._changed:
                self._watching -= 1

    def show(self, data: bytes) -> None:
        """Give everybody a new picture."""
        with self._changed:
            self._data = data
            self._number += 1
            self._changed.notify_all()

    def after(self, number: int, limit_s: float | None = None) -> tuple[int, bytes] | None:
        """The newest picture and its number, once that is higher than ``number``.

        Args:
            number: of the picture seen last, or of the newest when the watching began.
            limit_s: how long to wait.

        Returns:
            None after the end, or when the time is over.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._number > number, limit_s)
            if self._ended or self._number <= number:
                return None
            return self._number, self._data

    def end(self) -> None:
        """Wake everybody: there is nothing more to come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class MjpegServer(HTTPServer):
    """Listens at one address; every viewer has a named thread.

    Args:
        host: name or number of this machine.
        port: 0 takes a free one.
        path: where the stream is.
        newest: what is shown.

    Raises:
        OSError: it cannot listen there.
    """

    def __init__(self, host: str, port: int, path: str, newest: NewestPicture) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.address_family = found[0][0]
        self.path, self.newest = path, newest
        self.host = host.lower()
        self._lock = threading.Lock()
        self._viewers: dict[threading.Thread, socket.socket] = {}
        self._numbers = itertools.count(1)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """As HTTPServer's, without asking a name server for our own name."""
        if os.name == "posix":  # elsewhere it would let two programs share the port
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """Serve a viewer in a thread of its own, if there are not too many."""
        thread = threading.Thread(
            target=self._serve,
            args=(request, client_address),
            name=f"masquerade-mjpeg-viewer-{next(self._numbers)}",
            daemon=True,
        )
        with self._lock:
            full = len(self._viewers) >= _MOST_VIEWERS
            if not full:
                self._viewers[thread] = request
        if full:
            self.shutdown_request(request)
        else:
            thread.start()

    def _serve(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        try:
            # A viewer that leaves, or one that does not speak HTTP, is no error of ours.
            with contextlib.suppress(OSError, ValueError):
                self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)
            with self._lock:
                self._viewers.pop(threading.current_thread(), None)

    def server_close(self) -> None:
        """Stop listening, cut off whoever is still there, and wait for their threads."""
        super().server_close()
        with self._lock:
            viewers = dict(self._viewers)
        for thread, request in viewers.items():
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers one viewer."""

    server: MjpegServer
    server_version = "Masquerade"
    sys_version = ""
    timeout = _STUCK_S

    def setup(self) -> None:
        # Small, so that a slow viewer is behind by a few pictures and not by seconds.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 131_072)
        super().setup()

    def do_GET(self) -> None:
        """The page, the stream, or one picture."""
        if not self._is_asked_by_our_name():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif self.path == "/" and self.server.path != "/":
            self._send_page()
        elif self.path == self.server.path:
            self._send_stream()
        elif self.path.partition("?")[0] == "/snapshot.jpg":
            self._send_snapshot()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _is_asked_by_our_name(self) -> bool:
        """Numbers, ``localhost`` and the own names alone, so that no web page can reach the stream
        by a name of its own that it points at this machine.
        """
        name = self.headers.get("Host", "").rpartition("]")
        host = name[0].lstrip("[") if name[0] else name[2].partition(":")[0]
        known = {"localhost", socket.gethostname().lower(), self.server.host}
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host.lower() in known or host.lower().endswith(".local")
        return True

    def _send_head(self, kind: str, length: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Connection", "close")
        self.end_headers()

    def _send_page(self) -> None:
        page = _PAGE.format(stream=html.escape(self.server.path, quote=True)).encode()
        self._send_head("text/html; charset=utf-8", len(page))
        self.wfile.write(page)

    def _send_snapshot(self) -> None:
        newest = self.server.newest
        with newest.watching() as number:
            item = newest.after(number, _SNAPSHOT_S)
        if item is None:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "no picture yet")
            return
        self._send_head("image/jpeg", len(item[1]))
        self.wfile.write(item[1])

    def _send_stream(self) -> None:
        newest = self.server.newest
        with newest.watching() as number:
            self._send_head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            self.wfile.write(f"--{_BOUNDARY}\r\n".encode())
            while (item := newest.after(number)) is not None:
                number, data = item
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                # With the boundary right behind it, browsers show a picture at once.
                self.wfile.write(head.encode() + data + f"\r\n--{_BOUNDARY}\r\n".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Viewers are not logged."""
