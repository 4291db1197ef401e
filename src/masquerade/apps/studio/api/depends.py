"""What routers ask for: the services of the studio that they are mounted in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from masquerade.apps.studio.config import is_loopback
from masquerade.apps.studio.services import Services

__all__ = ["Here", "Shared", "is_remote", "may_use_host_devices", "services"]

_PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def services(connection: HTTPConnection) -> Services:
    """The services of this studio; for requests and WebSockets."""
    found: Services = connection.app.state.services
    return found


def is_remote(connection: HTTPConnection) -> bool:
    """Whether the client is, or may be, on another machine.

    Something in front of the studio connects from this machine for others, and says so.
    """
    passed_on = any(name in connection.headers for name in _PASSED_ON)
    return passed_on or connection.client is None or not is_loopback(connection.client.host)


def may_use_host_devices(connection: HTTPConnection) -> bool:
    """Whether this client may use this machine's cameras, microphones and sinks."""
    return services(connection).config.allow_host_devices or not is_remote(connection)


Shared = Annotated[Services, Depends(services)]
"""A parameter of a route: the services."""

Here = Annotated[bool, Depends(may_use_host_devices)]
"""A parameter of a route: whether this client may use the host's devices."""
