"""Starting a studio: sockets, certificate, server, link, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from masquerade.apps.studio.access.certificate import check_tls
from masquerade.apps.studio.access.connections import limited_protocol
from masquerade.apps.studio.app import create_app
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.listening import allow_many_files, links, listen
from masquerade.apps.studio.services import Services

__all__ = ["Studio", "opened_in_browser"]

_IDLE_S = 20
_GRACE_S = 5
_HANDSHAKE_S = 10.0
_MESSAGE_BYTES = 8 * 2**20


class Studio:
    """One running studio.

    Args:
        config: how it runs.

    Raises:
        OutputError: the port is in use, or the studio's folder cannot be written.
        SettingsError: the certificate cannot be used, or a pattern of addresses is none.
    """

    def __init__(self, config: StudioConfig) -> None:
        if config.tls is not None:
            check_tls(config.tls)
        self._config = config
        self._sockets = listen(config.host, config.port)
        try:
            self._server = _Server(_server_config(config))
        except BaseException:
            for item in self._sockets:
                item.close()
            raise

    @property
    def links(self) -> list[str]:
        """Where the page is, with the token; the best first."""
        return links(self._config, self._sockets[0].getsockname()[1])

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until :meth:`stop`, Ctrl-C or a polite request to end.

        Args:
            started: called once when the page can be opened.
        """
        self._server.started_call = started
        asyncio.run(self._server.serve(self._sockets))

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Ends at the first signal in peace and at the second at once, and returns either way."""

    started_call: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.is_ssl:
            # uvicorn has no setting for it, and connections count only once they are encrypted.
            loop: Any = asyncio.get_running_loop()
            loop.create_server = partial(loop.create_server, ssl_handshake_timeout=_HANDSHAKE_S)
        await super().startup(sockets)
        self.started_call()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        services: Services = self.config.app.state.services  # type: ignore[union-attr]
        services.announce_end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sign: signal.signal(sign, self._asked) for sign in _SIGNALS}
        try:
            yield
        finally:
            for sign, handler in before.items():
                signal.signal(sign, handler)

    def _asked(self, _sign: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _server_config(config: StudioConfig) -> uvicorn.Config:
    limits = config.limits
    allow_many_files(limits.connections)
    return uvicorn.Config(
        create_app(config),
        loop="asyncio",
        http=limited_protocol(limits.connections),
        ws="websockets-sansio",
        ws_max_size=_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # pictures do not shrink, and it takes time
        lifespan="on",
        log_level="warning",
        access_log=False,  # the link holds the token
        proxy_headers=False,  # anybody may write them
        server_header=False,
        h11_max_incomplete_event_size=limits.header_bytes,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=config.tls.certificate if config.tls else None,
        ssl_keyfile=config.tls.key if config.tls else None,
    )


@contextlib.contextmanager
def opened_in_browser(link: str) -> Iterator[Callable[[], None]]:
    """Gives a function that opens ``link`` in the user's browser.

    The browser gets the name of a private file that leads on to the link: other users of the
    machine can see the command lines of programs, and the token is in the link.
    """
    with tempfile.TemporaryDirectory(prefix="masquerade-studio-") as folder:
        page = Path(folder) / "open.html"
        text = f'<!doctype html><meta http-equiv="refresh" content="0; url={link}">\n'
        with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)

        def open_it() -> None:
            threading.Thread(
                target=webbrowser.open, args=(page.as_uri(),), name="studio-browser", daemon=True
            ).start()

        yield open_it
