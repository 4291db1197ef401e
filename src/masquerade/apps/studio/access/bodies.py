"""How large a request's body may be, and how long it may take to come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

__all__ = ["PATIENCE_S", "check_length", "limited"]

PATIENCE_S = 30.0
"""The longest pause between two parts of a request."""


def check_length(headers: Mapping[str, str], most_bytes: int) -> None:
    """Refuse a request that says itself that it is too large.

    Raises:
        HTTPException: 413, or 400 where the length is no number.
    """
    stated = headers.get("content-length")
    if stated is None:
        return
    if not (stated.isascii() and stated.isdigit() and len(stated) < 20):
        raise HTTPException(400, "The Content-Length is no number; send the request again.")
    if int(stated) > most_bytes:
        raise _too_large(most_bytes)


def limited(receive: Receive, most_bytes: int, patience_s: float = PATIENCE_S) -> Receive:
    """``receive`` that refuses a body that becomes too large or stops coming.

    Args:
        receive: of the server.
        most_bytes: of the body.
        patience_s: the longest pause between two parts.
    """
    taken = 0
    complete = False

    async def receive_limited() -> Message:
        nonlocal taken, complete
        if complete:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), patience_s)
        except TimeoutError:
            raise HTTPException(
                408, "The rest of the request did not come; send it again from its beginning."
            ) from None
        taken += len(message.get("body", b""))
        if taken > most_bytes:
            raise _too_large(most_bytes)
        complete = not message.get("more_body", False)
        return message

    return receive_limited


def _too_large(most_bytes: int) -> HTTPException:
    size = f"{most_bytes // 2**20} MB" if most_bytes >= 2**21 else f"{most_bytes // 1024} kB"
    return HTTPException(413, f"The request is larger than {size}; send less at a time.")
