"""Sockets that never wait for ever."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import ssl
import threading
import time

from masquerade.core.errors import StreamError
from masquerade.media.live_sinks.address import Address

__all__ = ["Datagrams", "Wire"]

_SLICE_S = 0.1
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, 10035}  # 10035: as Windows says it
_SEND_BUFFER_BYTES = 1 << 19  # what waits in it is latency when the network is slow
_DATAGRAM_BYTES = 1316  # seven packets of MPEG-TS, which fit into one frame of Ethernet


class Wire:
    """A TCP connection whose every wait ends: by a deadline, or by a flag that stops it.

    FFmpeg's own connections are not used: PyAV holds Python's lock while they connect and while
    they send a header, so that a silent peer would stop the whole program.

    Args:
        address: who to connect to; ``rtmps`` is encrypted and its certificate checked.
        stop: ends every wait at once.
        connect_s: how long the connection may take.
        stall_s: how long the peer may take nothing, or owe an answer.

    Raises:
        StreamError: nobody listens, the name is unknown, the certificate is bad.
    """

    def __init__(
        self, address: Address, stop: threading.Event, *, connect_s: float, stall_s: float
    ) -> None:
        self._place = address.place
        self._stop = stop
        self._stall_s = stall_s
        self._limit: float | None = time.monotonic() + connect_s
        try:
            self._socket = self._connect(address)
        except StreamError:
            raise
        except OSError as error:
            raise StreamError(_cannot_connect(address, error)) from error

    def _connect(self, address: Address) -> socket.socket:
        problem: OSError | None = None
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, place in found:
            plain = socket.socket(family, kind, protocol)
            try:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._reach(plain, place)
                if address.scheme == "rtmps":
                    plain = self._encrypted(plain, address.host)
            except OSError as error:
                plain.close()
                problem = error
                if isinstance(error, StreamError):
                    break
                continue
            except BaseException:
                plain.close()
                raise
            plain.settimeout(_SLICE_S)
            return plain
        raise problem or OSError("no address")

    def _reach(self, plain: socket.socket, place: object) -> None:
        """Connect, looking at the flag and the clock meanwhile."""
        plain.settimeout(0)
        code = plain.connect_ex(place)  # type: ignore[arg-type]
        with selectors.DefaultSelector() as selector:
            selector.register(plain, selectors.EVENT_WRITE)
            while code in _UNDER_WAY and not selector.select(_SLICE_S):
                self._check(time.monotonic())
        code = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if code in _UNDER_WAY else code
        if code:
            raise OSError(code, os.strerror(code))

    def _encrypted(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        """TLS on top; the certificate must be good for ``host``."""
        context = ssl.create_default_context()
        secure = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        secure.settimeout(_SLICE_S)
        try:
            while True:
                try:
                    secure.do_handshake()
                    return secure
                except (TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    self._check(time.monotonic())
        except BaseException:
            secure.close()
            raise

    def connected(self) -> None:
        """Say that the greeting is over: from now on only the time without progress counts."""
        self._limit = None

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``.

        Raises:
            StreamError: the peer is gone or takes nothing.
        """
        view = memoryview(data)
        since = time.monotonic()
        while view:
            try:
                view = view[self._socket.send(view) :]
                since = time.monotonic()
            except (TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._check(since)
            except OSError as error:
                raise self._lost() from error

    def receive(self, count: int) -> bytes:
        """Exactly ``count`` bytes.

        Raises:
            StreamError: the peer is gone or does not answer.
        """
        data = bytearray()
        since = time.monotonic()
        while len(data) < count:
            data += self._some(count - len(data))
            self._check(since)
        return bytes(data)

    def receive_line(self) -> bytes:
        """Up to a line feed, without it and without the carriage return before it.

        Raises:
            StreamError: as receive; or the line is longer than any that makes sense.
        """
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self.receive(1)
            if len(line) > 8192:
                raise StreamError(f"{self._place} does not speak the protocol of the address.")
        return bytes(line).rstrip(b"\r\n")

    def _some(self, count: int) -> bytes:
        try:
            data = self._socket.recv(count)
        except (TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        return data

    def waiting(self) -> bytes:
        """What has come already, without waiting for more.

        Raises:
            StreamError: the peer is gone.
        """
        self._socket.settimeout(0)
        try:
            data = self._socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except OSError as error:
            raise self._lost() from error
        finally:
            self._socket.settimeout(_SLICE_S)
        if not data:
            raise self._lost()
        return data

    def _check(self, since: float) -> None:
        now = time.monotonic()
        if self._stop.is_set():
            raise StreamError(f"The stream to {self._place} was ended.")
        if self._limit is not None and now > self._limit:
            raise StreamError(
                f"{self._place} does not answer; check that it takes streams of this kind."
            )
        if now - since > self._stall_s:
            raise StreamError(f"{self._place} takes nothing any more; check the network.")

    def _lost(self) -> StreamError:
        return StreamError(f"{self._place} closed the connection; check the server and the key.")

    def close(self) -> None:
        """End the connection; may be called twice."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Datagrams:
    """Sends by UDP, seven packets of MPEG-TS at a time.

    Args:
        address: where to; a group of multicast is reached within the own network.

    Attributes:
        unheard: the machine at the other end says that nobody listens there.

    Raises:
        StreamError: the name is unknown or there is no way there.
    """

    def __init__(self, address: Address) -> None:
        self.unheard = False
        problem: OSError | None = None
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise StreamError(_cannot_connect(address, error)) from error
        # Nothing tells which of a host's addresses is listened at; it is mostly the old kind.
        found.sort(key=lambda item: item[0] != socket.AF_INET)
        for family, kind, protocol, _, place in found:
            self._socket = socket.socket(family, kind, protocol)
            try:
                self._socket.connect(place)
                self._socket.settimeout(_SLICE_S)
            except OSError as error:
                self._socket.close()
                problem = error
                continue
            return
        raise StreamError(_cannot_connect(address, problem or OSError("no address")))

    def write(self, data: bytes) -> int:
        """Send ``data``, whole packets; what the system cannot take is lost, as UDP is."""
        for start in range(0, len(data), _DATAGRAM_BYTES):
            try:
                self._socket.send(data[start : start + _DATAGRAM_BYTES])
                self.unheard = False
            except ConnectionRefusedError:
                self.unheard = True
            except OSError:
                continue  # no route for a moment, no room: the next ones may come through
        return len(data)

    def close(self) -> None:
        """Release the socket; may be called twice."""
        self._socket.close()


def _cannot_connect(address: Address, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        what = f"Nobody listens at {address.place}"
    elif isinstance(error, socket.gaierror):
        what = f"The host {address.host} is not known"
    elif isinstance(error, TimeoutError):
        what = f"{address.place} does not answer"
    elif isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", None) or error.reason
        what = f"{address.place} could not be trusted ({str(reason).lower()})"
    else:
        what = f"{address.place} cannot be reached ({(error.strerror or str(error)).lower()})"
    return f"{what}; check the address, and start the receiver first."
