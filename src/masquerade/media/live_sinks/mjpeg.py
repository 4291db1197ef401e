"""A live stream served to browsers as Motion JPEG."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING

import cv2

from masquerade.core.errors import OutputError, SettingsError
from masquerade.core.lifetimes import Committing
from masquerade.media.live_sinks.address import Address
from masquerade.media.live_sinks.mjpeg_server import MjpegServer, NewestPicture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame
    from masquerade.media.live_sinks.options import SinkOptions

__all__ = ["MjpegSink"]

_STREAM_PATH = "/stream.mjpg"
_XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
"""What an APP1 segment of JPEG begins with that holds XMP: XMP specification part 3, 1.1.3."""


class MjpegSink(Committing):
    """Serves the stream by HTTP: a page at ``/``, the stream itself, and ``/snapshot.jpg``.

    It listens where the address says and nowhere else. Each picture is encoded once for all who
    watch, and not at all while nobody does; who is slow is given the newest one next and holds
    up nobody.

    Args:
        spec: ``http://HOST:PORT``, and the path of the stream if it is not to be
            ``/stream.mjpg``. Port 0 takes a free one.
        options: gives the quality, and the disclosure, whose XMP is in every picture.

    Attributes:
        url: address of the page.
        stream_url: address of the stream.

    Raises:
        SettingsError: the address cannot be read.
        OutputError: the port is in use, or the host is none of this machine.
    """

    status = ""

    def __init__(self, spec: str, options: SinkOptions) -> None:
        address = Address.parse(spec)
        if address.user or address.password:
            raise SettingsError("The page has no passwords; write the address without one.")
        path = _STREAM_PATH if address.path in ("", "/") else address.path
        if path == "/snapshot.jpg" or "?" in path:
            raise SettingsError(f"The stream cannot be at {path}; choose another path.")
        self._stated = _segment(options.disclosure.xmp) if options.disclosure else b""
        self._quality = min(95, max(30, options.quality))
        self._newest = NewestPicture()
        try:
            self._server = MjpegServer(address.host, address.port, path, self._newest)
        except OSError as error:
            raise _cannot_listen(address, error) from error
        port = self._server.server_address[1]
        host = f"[{address.host}]" if ":" in address.host else address.host
        self.url = f"http://{host}:{port}/"
        self.stream_url = f"http://{host}:{port}{path}"
        self._thread: threading.Thread | None = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="masquerade-mjpeg", daemon=True
        )
        self._thread.start()

    @property
    def notices(self) -> tuple[str, ...]:
        """Where to look."""
        return (f"Watch the stream at {self.url} in a browser.",)

    def write(self, frame: Frame) -> None:
        """Show one frame to everybody who is watching."""
        if self._newest.wanted:
            self._newest.show(self._encode(frame.pixels))

    def _encode(self, pixels: NDArray[np.uint8]) -> bytes:
        try:
            done, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, self._quality))
        except cv2.error as error:
            raise OutputError(f"A frame could not be encoded as JPEG ({error.msg}).") from error
        if not done:
            raise OutputError("A frame could not be encoded as JPEG; make the picture smaller.")
        plain = data.tobytes()
        return plain[:2] + self._stated + plain[2:]  # behind the mark of the file's beginning

    def commit(self) -> None:
        """Send everybody away and listen no more."""
        if self._thread is None:
            return
        self._newest.end()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._thread = None

    def abort(self) -> None:
        """As commit."""
        self.commit()


def _segment(xmp: bytes) -> bytes:
    body = _XMP_NAME + xmp
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def _cannot_listen(address: Address, error: OSError) -> OutputError:
    if isinstance(error, socket.gaierror):
        return OutputError(f"The host {address.host} is not known; write 127.0.0.1 for this one.")
    match error.errno:
        case errno.EADDRINUSE:
            text = f"The port {address.port} is in use by another program; choose another one."
        case errno.EADDRNOTAVAIL:
            text = f"{address.host} is no address of this machine; write 127.0.0.1, or its own."
        case errno.EACCES:
            text = f"The port {address.port} may not be used; choose one above 1023."
        case _:
            reason = error.strerror or error
            text = f"{address.place} cannot be listened at ({reason}); choose another address."
    return OutputError(text)
