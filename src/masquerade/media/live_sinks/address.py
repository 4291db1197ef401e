"""Where a stream is sent: what an address may be, and how it is spoken of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from masquerade.core.errors import SettingsError

__all__ = ["STREAM_SCHEMES", "Address"]

STREAM_SCHEMES = ("udp", "tcp", "rtmp", "rtmps", "rtsp")
"""Protocols that a stream is sent by."""

_DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443, "rtsp": 554}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address.

    Attributes:
        scheme: lower case.
        host: name or number, without the brackets of IPv6.
        port: 0 to 65535.
        path: from the first slash on, with the query; may hold a stream key.
        user: name to sign in with, may be empty.
        password: its password, may be empty.
    """

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, spec: str) -> Address:
        """Take an address apart.

        Raises:
            SettingsError: it is none, or the host or the port is missing; its user, password
                and path are not in the message.
        """
        scheme = spec.partition(":")[0].lower()
        if re.search(r"[\x00-\x20\x7f]", spec):
            raise SettingsError(f"The {scheme} address holds a blank; write it without.")
        try:
            parts = urlsplit(spec)
            port = parts.port
        except ValueError as error:
            raise SettingsError(
                f"The {scheme} address cannot be read ({error}); write {scheme}://HOST:PORT."
            ) from error
        port = _DEFAULT_PORTS.get(scheme) if port is None else port
        if not parts.hostname or port is None:
            raise SettingsError(
                f"The {scheme} address names no {'port' if parts.hostname else 'host'}; write "
                f"{scheme}://HOST:PORT."
            )
        return cls(
            scheme,
            parts.hostname,
            port,
            _path(parts),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    @property
    def place(self) -> str:
        """``HOST:PORT``, for messages: without the credentials and keys around it."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def _path(parts: SplitResult) -> str:
    return parts.path + (f"?{parts.query}" if parts.query else "")
