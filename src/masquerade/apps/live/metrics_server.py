"""The web server behind the metrics: one page, a thread for each request, nothing left over."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from masquerade.core.errors import OutputError, SettingsError

__all__ = ["HttpServer", "parse_place"]

_MOST_CLIENTS = 8
_PATIENCE_S = 5.0  # how long a client may say nothing


def parse_place(address: str) -> tuple[str, int]:
    """Host and port of ``PORT`` or ``HOST:PORT``.

    Raises:
        SettingsError: it is neither.

    >>> parse_place("9464"), parse_place("[::1]:0")
    (('127.0.0.1', 9464), ('::1', 0))
    """
    host, _, port = address.strip().rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise SettingsError(
            f"{address!r} is no place for metrics; give a port, or HOST:PORT (127.0.0.1:9464)."
        )
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


class HttpServer:
    """Answers ``/metrics``.

    Args:
        host: name or number of an interface of this machine.
        port: 0 takes a free one.
        registry: what is measured at each request.

    Raises:
        OutputError: the port is in use or may not be taken, or the host is not this machine's.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        try:
            self._server = _Server(host, port, registry)
        except OSError as error:
            raise OutputError(
                f"Metrics cannot be served at {host}:{port} ({error.strerror or error}); "
                "choose another port with --metrics PORT."
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_port}/metrics"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="masquerade-metrics",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stop; returns when every thread has ended. May be called twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(HTTPServer):
    # On Windows the flag would let two programs share the port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._clients: dict[socket.socket, threading.Thread] = {}
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service who this machine is, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a client in a thread of its own; one too many is sent away."""
        if len(self._clients) >= _MOST_CLIENTS:
            self.shutdown_request(request)
            return
        self._clients[request] = thread = threading.Thread(
            target=self._serve,
            args=(request, client_address),
            name="masquerade-metrics-client",
            daemon=True,
        )
        thread.start()

    def server_close(self) -> None:
        """Stop listening, and end what clients are still served."""
        super().server_close()
        for request, thread in list(self._clients.items()):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            with contextlib.suppress(OSError):  # the client left
                self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)
            self._clients.pop(request, None)


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE_S
    server: _Server

    def do_GET(self) -> None:
        """Answer ``/metrics``; nothing else is here."""
        if self.path.partition("?")[0] not in ("/", "/metrics"):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        page = encode(self.server.registry)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: who asks for metrics is no news."""
