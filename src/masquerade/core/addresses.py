"""How an address may be shown: in a log, a metric, an alarm."""

from __future__ import annotations

import re

__all__ = ["without_secrets"]

_USER = re.compile(r"(?<=://)[^\s/@]*(?:/[^\s/@]*)*@(?=[^\s/@]+)|(?<=://)[^\s/]*@")
_QUERY = re.compile(r"(?<=\?)[^\s#]+")
_KEY = re.compile(r"\b(rtmps?://[^\s/]+/[^\s?#]*/)[^\s/?#]+", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """``text`` with the secrets of every address in it replaced by dots.

    Secrets are the user and the password, the query, and the last part of an RTMP path, which is
    the stream key.

    >>> without_secrets("rtsp://me:my@pass@camera.lan:554/one?token=42")
    'rtsp://...@camera.lan:554/one?...'
    >>> without_secrets("to rtmp://live.example/app/key_1 and out.mp4")
    'to rtmp://live.example/app/... and out.mp4'
    """
    return _ADDRESS.sub(lambda found: _shown(found.group()), text)


def _shown(address: str) -> str:
    address = _USER.sub("...@", address, count=1)
    address = _QUERY.sub("...", address, count=1)
    return _KEY.sub(r"\1...", address)
