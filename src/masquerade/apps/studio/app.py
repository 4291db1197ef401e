"""The studio as a web application: routers, checks of access, the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from masquerade._version import __version__
from masquerade.apps.studio import problems
from masquerade.apps.studio.api import system, uploads
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.services import Services, open_services

__all__ = ["API_PREFIX", "create_app"]

API_PREFIX = "/api/v1"
_SWEEP_S = 60.0


def create_app(config: StudioConfig, services: Services | None = None) -> FastAPI:
    """The application of one studio. Its services are closed when it ends.

    Args:
        config: how it runs.
        services: those to use; None opens them.

    Raises:
        OutputError: the studio's folder cannot be written.
    """
    opened = services or open_services(config)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(opened), name="studio-sweep")
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.to_thread(opened.close)

    app = FastAPI(
        title="Masquerade studio",
        version=__version__,
        lifespan=lifespan,
        openapi_url=f"{API_PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = opened
    problems.install(app)
    for module in (system, uploads):
        app.include_router(module.router, prefix=API_PREFIX)
    return app


async def _sweep(services: Services) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        await asyncio.to_thread(services.uploads.sweep)
