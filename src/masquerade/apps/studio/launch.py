"""Starting a studio: the address, the link, the server, a clean end."""

from __future__ import annotations

import uvicorn

from masquerade.apps.studio.app import create_app
from masquerade.apps.studio.config import StudioConfig

__all__ = ["run_studio"]


def run_studio(config: StudioConfig) -> None:
    """Serve until the process is asked to end."""
    print(f"http://{config.host}:{config.port}/?token={config.token}", flush=True)
    uvicorn.run(create_app(config), host=config.host, port=config.port, log_level="warning")
