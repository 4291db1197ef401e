"""Whether a request was meant for this studio, and whether one of its own pages made it.

A page of another site may send requests here from the user's browser, and a name of another site
may be pointed at this machine (DNS rebinding). The Host header tells by which name the browser
called us, the Origin header whose page asked, and Sec-Fetch-Site how the two are related. Programs
other than browsers may write there what they like; they need the token.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from masquerade.apps.studio.config import StudioConfig
from masquerade.core.addresses import is_number

__all__ = ["Origins"]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"", "0.0.0.0", "::"})


class Origins:
    """The names of one studio, and whose requests it takes.

    On loopback these are the names of loopback. On other interfaces any number is taken, since a
    number cannot be pointed elsewhere, and of names this machine's own and those that were allowed.
    The port is not compared: a tunnel changes it.

    Args:
        config: of the studio.
    """

    def __init__(self, config: StudioConfig) -> None:
        names = {config.host, *config.allow_hosts} - _ANY
        if config.on_loopback or config.host in _ANY:
            names |= _LOOPBACK_NAMES
        if not config.on_loopback:
            own = socket.gethostname()
            names |= {own, f"{own}.local"}
        self._names = frozenset(_normal(name) for name in names)
        self._any_number = not config.on_loopback
        self._tls = config.tls is not None

    def knows(self, host: str | None) -> bool:
        """Whether a Host header names this studio."""
        found = _HOST.fullmatch(host or "")
        if found is None or int(found[2] or 0) > 65535:
            return False
        name = _normal(found[1])
        return name in self._names or (self._any_number and is_number(name))

    def is_own_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of this studio, or no page at all, made a request.

        Args:
            headers: of the request, by lower-case name.
        """
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        return origin is None or self._is_own(origin, headers.get("host", ""))

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether ``origin`` is that by which the browser called us.

        Without TLS https is taken as well: something in front of the studio may add it.
        """
        try:
            parts = urlsplit(origin)
            same = parts.netloc.lower() == host.lower()
        except ValueError:
            return False
        return same and parts.scheme in (("https",) if self._tls else ("http", "https"))


def _normal(name: str) -> str:
    return name.lower().removeprefix("[").removesuffix("]").rstrip(".")
