"""Errors as answers: RFC 9457 problem details with the two sentences of a MasqueradeError."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from masquerade.core import errors

__all__ = [
    "Problem",
    "code_of",
    "detail_of",
    "install",
    "model_of",
    "problem",
    "problem_of",
    "status_of",
]

_STATUS: tuple[tuple[type[errors.MasqueradeError], int], ...] = (
    (errors.MissingInputError, 404),
    (errors.MissingJobError, 404),
    (errors.JobError, 409),
    (errors.UnsupportedMediaError, 415),
    (errors.MediaLimitError, 413),
    (errors.DeviceError, 409),
    (errors.OutputExistsError, 409),
    (errors.ConsentError, 403),
    (errors.ContentError, 403),
    (errors.RuntimeSetupError, 503),
    (errors.CancelledError, 409),
    (errors.OutputError, 500),
    (errors.MasqueradeError, 422),
)


_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media",
    421: "misdirected_request",
    422: "invalid_request",
    429: "too_many_requests",
    500: "unexpected",
}
"""The kinds of errors that are of HTTP alone. The words of Python differ by its version."""

_PATH = re.compile(r"(?<![\w/:.~<])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\;,:'\")]+)+")

UNEXPECTED = (
    "An unexpected error stopped the request. Please report what the studio's terminal shows."
)


class Problem(BaseModel):
    """What every error looks like (RFC 9457, media type application/problem+json)."""

    type: str = Field("about:blank", description="always about:blank; `code` tells the kind")
    title: str = Field(description="the status in words")
    status: int
    detail: str = Field(description="one sentence on what is wrong and one on what to do")
    code: str = Field(description="the kind of error, such as `no_face_in_donor`")


def code_of(error: errors.MasqueradeError) -> str:
    """The kind of ``error`` in snake case.

    >>> code_of(errors.NoFaceInDonorError("")), code_of(errors.ConsentError(""))
    ('no_face_in_donor', 'consent')
    """
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def status_of(error: errors.MasqueradeError) -> int:
    """The HTTP status that fits ``error`` best."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def detail_of(error: errors.MasqueradeError) -> str:
    """The message of ``error`` in one line, with file names in place of paths."""
    return without_paths(" ".join(str(error).split()))


def without_paths(text: str) -> str:
    """``text`` with every absolute path of this machine replaced by the last part of it.

    >>> without_paths("/home/me/x/abc.jpg shows no face; choose another photo.")
    'abc.jpg shows no face; choose another photo.'
    >>> without_paths("See https://example.org/a/b for and/or.")
    'See https://example.org/a/b for and/or.'
    """
    return _PATH.sub(_last, text)


def _last(found: re.Match[str]) -> str:
    return re.split(r"[/\\]", found[0])[-1]


def problem(
    status: int, detail: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An answer of this kind.

    Args:
        status: HTTP status.
        detail: the two sentences.
        code: the kind of error; None takes that of the status.
        headers: further ones.
    """
    title = HTTPStatus(status).phrase
    body = Problem(
        type="about:blank",
        title=title,
        status=status,
        detail=detail,
        code=code or _CODES.get(status, "refused"),
    )
    return JSONResponse(
        body.model_dump(), status, dict(headers or {}), media_type="application/problem+json"
    )


def problem_of(error: errors.MasqueradeError) -> JSONResponse:
    """The answer that tells of ``error``."""
    return problem(status_of(error), detail_of(error), code=code_of(error))


def model_of(error: errors.MasqueradeError) -> Problem:
    """``error`` as part of another answer, such as that of a job that failed."""
    status = status_of(error)
    return Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail_of(error),
        code=code_of(error),
    )


def install(app: FastAPI) -> None:
    """Make every error of ``app`` an answer of this kind."""

    async def masquerade_error(_request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.MasqueradeError)
        return problem_of(error)

    async def http_error(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, str(error.detail), headers=error.headers)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem(422, _in_words(error.errors()), code="invalid_request")

    async def unexpected(_request: Request, _error: Exception) -> Response:
        return problem(500, UNEXPECTED)

    app.add_exception_handler(Exception, unexpected)
    app.add_exception_handler(errors.MasqueradeError, masquerade_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)


def _in_words(found: Iterable[Any]) -> str:
    """The first thing that is wrong with a request, without what was sent."""
    first = next(iter(found))
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "The body"
    return f"{place} cannot be used: {first['msg']}. See /api/v1/docs for what is expected."
