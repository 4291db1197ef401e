"""The bytes behind an https address, from any of them on.

Proxies are taken from the environment (``https_proxy``, ``no_proxy``), certificates from the
system or from ``SSL_CERT_FILE``. A server that falls silent is given up after a time.
"""

from __future__ import annotations

import http.client
import io
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from masquerade._version import __version__
from masquerade.core.errors import DownloadError
from masquerade.models.mirrors import Permissions

__all__ = ["BrokenTransferError", "HttpBody", "open_body"]

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_WHOLE = re.compile(r"bytes \*/(\d+)")
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""What servers answer when a later try may succeed."""


class BrokenTransferError(DownloadError):
    """It did not work this time and may work the next."""


@dataclass(frozen=True, slots=True)
class HttpBody:
    """An answer whose bytes are still to be read.

    Attributes:
        start: which byte of the file the first one is.
        total_bytes: length of the whole file, None where the server does not tell.
        tag: a strong validator of the file's version; "" where there is none.
        response: as urllib gives it.
    """

    start: int
    total_bytes: int | None
    tag: str
    response: Any

    def read(self, most_bytes: int) -> bytes:
        """The next bytes as they come, b"" at the end.

        Raises:
            BrokenTransferError: the server fell silent or went away.
        """
        try:
            chunk: bytes = self.response.read1(most_bytes)
        except (OSError, http.client.HTTPException) as error:
            raise BrokenTransferError(f"the transfer broke off ({_reason(error)}).") from error
        return chunk


@contextmanager
def open_body(
    address: str,
    permissions: Permissions,
    *,
    start: int = 0,
    tag: str = "",
    hash_known: bool = False,
    timeout_s: float = 30.0,
) -> Iterator[HttpBody]:
    """Ask for a file, or for the rest of it.

    Args:
        address: of the file.
        permissions: what may be asked; redirects are held to it too.
        start: first byte that is wanted. The server may send the whole file all the same.
        tag: the version that the first bytes are of; of another one the whole file is sent.
        hash_known: whether a forgery would be noticed.
        timeout_s: silence after which the server is given up.

    Raises:
        BrokenTransferError: it cannot be reached just now.
        DownloadError: it is not allowed, or has no such file.
    """
    permissions.check(address, hash_known=hash_known)
    request = urllib.request.Request(address, headers=_headers(start, tag))
    opener = urllib.request.build_opener(_Redirects(permissions, hash_known))
    try:
        response = opener.open(request, timeout=timeout_s)
    except DownloadError:
        raise
    except urllib.error.HTTPError as error:
        with error:
            yield _refused(error, start)
        return
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BrokenTransferError(f"it cannot be reached ({_reason(error)}).") from error
    with response:
        yield _body(response, start)


def _refused(error: urllib.error.HTTPError, asked: int) -> HttpBody:
    """What an answer other than 200 means: an empty body where all is here already."""
    if asked and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        match = _WHOLE.fullmatch(error.headers.get("Content-Range", ""))
        return HttpBody(asked, int(match[1]) if match else 0, "", io.BytesIO())
    kind = BrokenTransferError if error.code in _PASSING else DownloadError
    raise kind(f"the server says {error.code} {error.reason}.") from error


def _headers(start: int, tag: str) -> dict[str, str]:
    headers = {"User-Agent": f"masquerade/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if tag:
            headers["If-Range"] = tag
    return headers


def _body(response: Any, asked: int) -> HttpBody:
    headers: Message = response.headers
    length = headers.get("Content-Length", "")
    tag = headers.get("ETag", "")
    tag = "" if tag.startswith("W/") else tag
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        match = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if match is None or int(match[1]) != asked:
            raise DownloadError("the server sent another part than was asked for.")
        total = None if match[3] == "*" else int(match[3])
        return HttpBody(asked, total, tag, response)
    if response.status != http.HTTPStatus.OK:
        raise DownloadError(f"the server says {response.status}.")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadError("the server packs the file although it was asked not to.")
    return HttpBody(0, int(length) if length.isdecimal() else None, tag, response)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as far as the permissions go."""

    def __init__(self, permissions: Permissions, hash_known: bool) -> None:
        self._permissions = permissions
        self._hash_known = hash_known

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request, with the range that the first one had."""
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise DownloadError("the server leads from https to an address that is not encrypted.")
        self._permissions.check(newurl, hash_known=self._hash_known)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return "no answer in time"
    text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return " ".join(str(text).split())
