"""The sockets of a studio, and the links by which browsers reach it."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys

from masquerade.apps.studio.config import StudioConfig
from masquerade.core.errors import OutputError

__all__ = ["allow_many_files", "links", "listen"]

_BACKLOG = 512
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every number of ``host``; with port 0 on the same free port of each.

    Raises:
        OutputError: the port is in use or may not be taken, or the host is not this machine's.
    """
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in dict.fromkeys(found):
            taken = opened[0].getsockname()[1] if opened else port
            opened.append(_bound(family, kind, protocol, (address[0], taken, *address[2:])))
    except OSError as error:
        for item in opened:
            item.close()
        raise _cannot_listen(host, port, error) from error
    return opened


def links(config: StudioConfig, port: int) -> list[str]:
    """The addresses of the page with the token in them, the best first.

    Args:
        config: of the studio.
        port: that is listened on.
    """
    scheme = "https" if config.tls else "http"
    hosts = [config.host]
    if config.host in _EVERYWHERE:
        hosts = [*config.allow_hosts, *_own_numbers(), "localhost"]
    return [f"{scheme}://{_shown(host)}:{port}/?token={config.token}" for host in hosts]


def allow_many_files(count: int) -> None:
    """Let this process have ``count`` more connections than it has other files, where it may."""
    if sys.platform == "win32":
        return
    import resource  # there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * count + 2048  # connections that are not yet encrypted have no limit of ours
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _bound(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _cannot_listen(host: str, port: int, error: OSError) -> OutputError:
    if error.errno == errno.EADDRINUSE:
        return OutputError(
            f"Port {port} of {host} is in use, perhaps by another studio; choose another with "
            "--port, or 0 for a free one."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return OutputError(
            f"Port {port} may not be taken by this user; choose one above 1023 with --port."
        )
    return OutputError(
        f"{host} is no interface of this machine ({error.strerror or error}); choose another "
        "with --host, such as 127.0.0.1 or 0.0.0.0."
    )


def _own_numbers() -> list[str]:
    """The number by which this machine reaches others; nothing is sent to find it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return [str(probe.getsockname()[0])]
    return []


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
