"""The gate that every request and every WebSocket passes before the application sees it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from masquerade.apps.studio.access.bodies import check_length, limited
from masquerade.apps.studio.access.login import login_page, welcome
from masquerade.apps.studio.access.origins import Origins
from masquerade.apps.studio.access.rates import Rates
from masquerade.apps.studio.access.token import Token
from masquerade.apps.studio.config import StudioConfig
from masquerade.apps.studio.problems import problem

__all__ = ["UPLOAD_PATH", "Gate"]

UPLOAD_PATH = "/api/v1/uploads"
_UPLOAD_FRAME_BYTES = 64 * 1024  # what multipart adds to a file
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SUBPROTOCOL = "masquerade.v1"

NO_TOKEN = (
    "The token is missing or belongs to an earlier start; open the link that the studio printed, "
    "or send `Authorization: Bearer TOKEN`."
)
WRONG_HOST = (
    "The studio does not know itself by this name; start it with --allow-host NAME to be reached "
    "by it."
)
WRONG_ORIGIN = "A page of another site asked for this; open the studio's own page."
TOO_MANY = "Too many requests came at once; ask again after the time in Retry-After."


class Gate:
    """Refuses what has no business here.

    In this order: the Host header (421), how often the client asks (429), the Origin (403), the
    token (401), the size of the body (413). A WebSocket without the token is closed with 4401, one
    too many with 4429, since a page cannot read the status of a refused one.

    Args:
        app: the application behind the gate.
        config: of the studio.
        clock: seconds, monotonic.
    """

    def __init__(
        self, app: ASGIApp, config: StudioConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._config = app, config
        self._token = Token(config.token)
        self._origins = Origins(config)
        self._rates = Rates(config.limits, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, one WebSocket, or the application's start and end."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        if scope["type"] == "websocket":
            await self._websocket(scope, headers, receive, send)
            return
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, limited(receive, self._most_bytes(scope)), send)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """What is answered in place of the application; None lets the request pass."""
        if not self._origins.knows(headers.get("host")):
            return problem(421, WRONG_HOST, headers=_CLOSE)
        wait_s = self._wait_s(scope, headers)
        if wait_s:
            return problem(429, TOO_MANY, headers={"Retry-After": str(math.ceil(wait_s)), **_CLOSE})
        if scope["path"] == "/healthz":
            return PlainTextResponse("ok")
        if not self._origins.is_own_page(headers) and not _is_visit(scope, headers):
            return problem(403, WRONG_ORIGIN, code="foreign_origin")
        if scope["path"] == "/" and scope["method"] == "GET" and b"token=" in scope["query_string"]:
            return self._login(scope, headers)
        if not self._is_known(headers):
            return login_page() if scope["path"] == "/" else problem(401, NO_TOKEN, headers=_ASK)
        if scope["method"] not in _SAFE_METHODS and not self._is_sure(headers):
            return problem(403, WRONG_ORIGIN, code="foreign_origin")
        try:
            check_length(headers, self._most_bytes(scope))
        except HTTPException as error:
            return problem(error.status_code, error.detail)
        return None

    def _login(self, scope: Scope, headers: Mapping[str, str]) -> Response:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=16)
        if not self._token.fits(query.get("token", [""])[0]):
            return login_page()
        secure = scope["scheme"] == "https"
        return welcome(self._token.cookie(secure=secure), headers.get("sec-fetch-site", "none"))

    async def _websocket(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, send: Send
    ) -> None:
        allowed = self._origins.knows(headers.get("host")) and self._origins.is_own_page(headers)
        if not allowed:
            await send({"type": "websocket.close", "code": 4403, "reason": "foreign origin"})
        elif self._wait_s(scope, headers):
            await _close(scope, receive, send, 4429, TOO_MANY)
        elif not self._is_known(headers) or not self._is_sure(headers):
            await _close(scope, receive, send, 4401, "The token is missing; open the link anew.")
        else:
            await self._app(scope, receive, send)

    def _wait_s(self, scope: Scope, headers: Mapping[str, str]) -> float:
        client = (scope.get("client") or ("", 0))[0]
        return self._rates.wait_s(client, known=self._is_known(headers))

    def _is_known(self, headers: Mapping[str, str]) -> bool:
        return self._has_bearer(headers) or self._token.fits_cookie(headers.get("cookie", ""))

    def _is_sure(self, headers: Mapping[str, str]) -> bool:
        """Whether no other page can have sent this: browsers name the page, programs the token."""
        return "origin" in headers or self._has_bearer(headers)

    def _has_bearer(self, headers: Mapping[str, str]) -> bool:
        return self._token.fits_bearer(headers.get("authorization", ""))

    def _most_bytes(self, scope: Scope) -> int:
        limits = self._config.limits
        if scope["path"] == UPLOAD_PATH:
            return limits.upload_bytes + _UPLOAD_FRAME_BYTES
        return limits.body_bytes


_CLOSE = {"Connection": "close"}  # strangers keep no connection
_ASK = {"WWW-Authenticate": "Bearer", **_CLOSE}


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by lower-case name; several Cookie headers become one."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}; {value}" if name in found else value
    return found


def _is_visit(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether the user follows a link to the page itself, which any site may show."""
    return (
        scope["method"] == "GET"
        and scope["path"] == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


async def _close(scope: Scope, receive: Receive, send: Send, code: int, reason: str) -> None:
    """Take a WebSocket only to say why it is closed."""
    await receive()
    offered = scope.get("subprotocols") or ()
    chosen = _SUBPROTOCOL if _SUBPROTOCOL in offered else None
    await send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
    await send({"type": "websocket.close", "code": code, "reason": reason[:120]})
