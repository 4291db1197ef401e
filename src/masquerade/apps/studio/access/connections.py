"""How many connections may be open, and how long one may say nothing."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["limited_protocol"]

_FIRST_REQUEST_S = 15.0
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
    b"content-type: text/plain\r\ncontent-length: 63\r\n\r\n"
    b"Too many connections are open; close some and ask again later.\n"
)


def limited_protocol(most: int, patience_s: float = _FIRST_REQUEST_S) -> type[asyncio.Protocol]:
    """HTTP/1.1 that bears no more than ``most`` connections, and none that sends no request.

    Where all places are taken, the connection that has been silent for longest makes room: nobody
    can keep others out by opening connections alone. Where all have spoken, the new one is told
    to come again later.

    Args:
        most: connections at the same time, WebSockets included.
        patience_s: how long the head of the first request may take.
    """
    limits = {"most": most, "patience_s": patience_s, "silent": {}}
    return type("LimitedProtocol", (_LimitedProtocol,), limits)


class _LimitedProtocol(H11Protocol):
    most: ClassVar[int]
    patience_s: ClassVar[float]
    silent: ClassVar[dict[_LimitedProtocol, None]]  # in the order in which they came
    _first_request: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.most and not self._make_room():
            transport.write(_REFUSAL)
            transport.close()
            return
        self.silent[self] = None
        self._first_request = self.loop.call_later(self.patience_s, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_spoken()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        head: Any = self.headers  # None until the first request has come
        if head is not None:
            self._has_spoken()

    def _has_spoken(self) -> None:
        self.silent.pop(self, None)
        if self._first_request is not None:
            self._first_request.cancel()
            self._first_request = None

    def _end(self) -> None:
        self.silent.pop(self, None)
        self.transport.abort()

    def _make_room(self) -> bool:
        oldest = next(iter(self.silent), None)
        if oldest is not None:
            oldest._end()
        return oldest is not None
