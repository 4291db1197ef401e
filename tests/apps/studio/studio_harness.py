"""A studio in this process, by ASGI and by real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from masquerade.apps.studio.app import create_app
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.launch import Studio

TOKEN = "a-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ADDRESS = "http://127.0.0.1:8790"

Configure = Callable[..., StudioConfig]


@asynccontextmanager
async def client_of(
    config: StudioConfig, *, known: bool = True, client: str = "127.0.0.1", **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a studio that runs in this loop; its start and end are run too."""
    app = create_app(config)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 40000))
        options.setdefault("base_url", ADDRESS)
        headers = {**(BEARER if known else {}), **options.pop("headers", {})}
        async with httpx.AsyncClient(transport=transport, headers=headers, **options) as made:
            made.app = app  # type: ignore[attr-defined]
            yield made


def run_async(work: Callable[[], Any]) -> Any:
    """Run a coroutine function to its end."""
    return asyncio.run(work())


@dataclass(frozen=True)
class Running:
    """A studio on real sockets."""

    studio: Studio
    link: str

    @property
    def root(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def port(self) -> int:
        return int(self.root.rpartition(":")[2])


@contextmanager
def served(config: StudioConfig) -> Iterator[Running]:
    """A studio behind a real uvicorn, in a thread; it has ended when the block has."""
    studio = Studio(config)
    started = threading.Event()
    thread = threading.Thread(target=studio.run, args=(started.set,), name="test-studio")
    thread.start()
    try:
        assert started.wait(20)
        yield Running(studio, studio.links[0])
    finally:
        studio.stop()
        thread.join(20)
        assert not thread.is_alive()
