"""What an address is, and how it may be shown: in a log, a metric, an alarm."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["is_number", "without_secrets"]

# Without the punctuation of the sentence that it stands in.
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*)://(\S+?)(?=[).,:;'\"]*(?:\s|$))", re.IGNORECASE)


def is_number(host: str) -> bool:
    """Whether a host is an IP address, not a name.

    >>> is_number("192.0.2.1"), is_number("::1"), is_number("camera.example")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def without_secrets(text: str) -> str:
    """``text`` with the secrets of every address in it replaced by dots.

    Secrets are the user and the password, the query, and the last part of an RTMP path, which is
    the stream key. Where it cannot be told what is secret, only the scheme is left.

    >>> without_secrets("rtsp://me:my@pass@camera.lan:554/one?token=42")
    'rtsp://...@camera.lan:554/one?...'
    >>> without_secrets("(to rtmp://live.example/app/key_1) and out.mp4")
    '(to rtmp://live.example/app/...) and out.mp4'
    """
    return _ADDRESS.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    scheme, rest = found.groups()
    user, at, place = rest.rpartition("@")
    if at and re.search(r"[?#]", user):
        return f"{scheme}://..."  # a query with an @ in it, or a password with a ?
    place, query, _ = place.partition("?")
    if scheme.lower().startswith("rtmp"):
        host_and_app, slash, key = place.rpartition("/")
        if "/" in host_and_app and key:
            place = f"{host_and_app}{slash}..."
    return f"{scheme}://{'...@' if at else ''}{place}{'?...' if query else ''}"
