"""Which addresses of streams clients may have this machine open."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from masquerade.core.addresses import is_number
from masquerade.core.errors import AddressError, SettingsError

__all__ = ["StreamRules"]

_FORM = re.compile(
    r"(?P<scheme>rtsps?|rtmps?|https?|udp|tcp|srt)://"
    r"(?:[^\s@/\\?#]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9*_.-]+)(?::(?P<port>\d{1,5}|\*))?"
    r"(?P<path>/[^\s\\#]*)?",
    re.IGNORECASE,
)

Resolve = Callable[[str], Iterable[str]]
"""The numbers of a host's name."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """An address or a pattern, taken apart: each part is compared with its own kind alone."""

    scheme: str
    host: str
    port: str | None
    path: str

    @classmethod
    def of(cls, text: str) -> _Parts | None:
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        host = found["host"].lower().strip("[]").rstrip(".")
        return cls(found["scheme"].lower(), host, found["port"], found["path"] or "/")

    def fits(self, pattern: _Parts) -> bool:
        return (
            self.scheme == pattern.scheme
            and fnmatch.fnmatchcase(self.host, pattern.host)
            and (pattern.port == "*" or self.port == pattern.port)
            and fnmatch.fnmatchcase(self.path, pattern.path)
        )


class StreamRules:
    """Which addresses clients may have this machine open, for a source or for a sink.

    A pattern is an address with ``*`` for any number of signs, within its host, its port and its
    path. A pattern without a port fits addresses without one. ``..`` in a path fits nothing.

    Args:
        patterns: such as ``rtsp://camera.example/*``.
        resolve: how names become numbers; a test gives its own.

    Raises:
        SettingsError: a pattern is no address.

    >>> rules = StreamRules(["rtsp://camera.example/*"], lambda name: ["192.0.2.1"])
    >>> rules.check("rtsp://camera.example/one", remote=False)
    """

    def __init__(self, patterns: Iterable[str], resolve: Resolve | None = None) -> None:
        self._patterns = [_pattern(text) for text in patterns]
        self._resolve = resolve or _resolve

    def check(self, address: str, *, remote: bool) -> None:
        """Refuse an address that nobody allowed. It may look a name up, which takes time.

        Args:
            address: as the client gave it; it is not repeated in errors, since it may hold a
                password.
            remote: whether the client is on another machine. It then gets no address of this
                machine's own networks, even where a pattern fits.

        Raises:
            AddressError: no pattern fits, or a remote client asks for a private address.
        """
        parts = _Parts.of(address)
        if parts is None or "*" in parts.host or ".." in unquote(parts.path):
            raise AddressError(
                "The address of the stream is malformed; give it as scheme://host:port/path."
            )
        if not any(parts.fits(pattern) for pattern in self._patterns):
            raise AddressError(
                f"Streams of {parts.scheme}://{parts.host} are not allowed here; start the studio "
                "with --allow-stream and a pattern for them."
            )
        if remote and not self._is_public(parts.host):
            raise AddressError(
                f"{parts.host} is in the studio's own network, which browsers on other machines "
                "may not reach through it; choose a public address."
            )

    def _is_public(self, host: str) -> bool:
        try:
            numbers = [host] if is_number(host) else list(self._resolve(host))
        except OSError as error:
            raise AddressError(f"The name {host} is unknown; check the address.") from error
        return bool(numbers) and all(_is_public(number) for number in numbers)


def _pattern(text: str) -> _Parts:
    parts = _Parts.of(text)
    if parts is None or "@" in urlsplit(text).netloc:
        raise SettingsError(
            f"{text!r} is no pattern of addresses; write one such as rtsp://camera.example/*."
        )
    return parts


def _is_public(number: str) -> bool:
    address = ipaddress.ip_address(number.partition("%")[0])
    for inner in (getattr(address, "ipv4_mapped", None), getattr(address, "sixtofour", None)):
        address = inner or address
    return address.is_global and not address.is_multicast


def _resolve(name: str) -> list[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
