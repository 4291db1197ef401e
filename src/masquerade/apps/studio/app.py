"""The studio as a web application: routers, checks of access, the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from masquerade.apps.studio import openapi, problems
from masquerade.apps.studio.access.gate import Gate
from masquerade.apps.studio.access.headers import with_security_headers
from masquerade.apps.studio.api import (
    devices,
    identities,
    jobs,
    live,
    models,
    presets,
    previews,
    settings,
    system,
    uploads,
)
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.live.warming import warm_up
from masquerade.apps.studio.page_files import PageFiles
from masquerade.apps.studio.page_routes import page_route
from masquerade.apps.studio.services import Services, open_services
from masquerade.core.errors import MasqueradeError

__all__ = ["API_PREFIX", "create_app"]

API_PREFIX = "/api/v1"
_ROUTERS = (
    system.router,
    settings.router,
    uploads.router,
    live.router,
    devices.router,
    jobs.router,
    previews.router,
    identities.router,
    models.router,
    presets.router,
    openapi.router,
)
_SWEEP_S = 60.0
_FIRST_PAGE_S = 3.0
# FastAPI would report to whatever its environment names; nothing is reported from here.
_NO_TELEMETRY: Any = dict.fromkeys(
    ("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False
)


def create_app(config: StudioConfig, services: Services | None = None) -> FastAPI:
    """The application of one studio. Its services are closed when it ends.

    Args:
        config: how it runs.
        services: those to use; None opens them.

    Raises:
        OutputError: the studio's folder cannot be written.
        SettingsError: a pattern of stream addresses is none.
    """
    opened = services or open_services(config)

    app = _App(
        lifespan=_life,
        openapi_url=f"{API_PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        telemetry=_NO_TELEMETRY,
    )
    app.state.services = opened
    problems.install(app)
    for router in _ROUTERS:
        app.include_router(router, prefix=API_PREFIX)
    app.router.routes.append(page_route(PageFiles()))
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    app.add_middleware(Gate, config=config, clock=opened.clock)
    return app


class _App(FastAPI):
    """Adds to every answer, to that of an unexpected error too, what browsers must know."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, one WebSocket, or the start and the end."""
        if scope["type"] == "http":
            send = with_security_headers(scope, send)
        await super().__call__(scope, receive, send)


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.start()
    sweeping = asyncio.create_task(_sweep(services), name="studio-sweep")
    warming = asyncio.create_task(_warm_up(), name="studio-warm-up")
    try:
        yield
    finally:
        sweeping.cancel()
        warming.cancel()
        await asyncio.to_thread(services.close)


async def _warm_up() -> None:
    """Load what the first live session needs, once the first page is out."""
    await asyncio.sleep(_FIRST_PAGE_S)
    with contextlib.suppress(MasqueradeError):  # a session says what is wrong
        await asyncio.to_thread(warm_up)


async def _sweep(services: Services) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        await asyncio.to_thread(services.sweep)
        await asyncio.to_thread(services.rooms.sweep)
