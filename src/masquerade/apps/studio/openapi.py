"""The description of the interface, and a page that shows it without a script from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, Response

from masquerade._version import __version__
from masquerade.apps.studio.problems import Problem

__all__ = ["describe", "operation_id", "router"]

router = APIRouter(include_in_schema=False)

_DESCRIPTION = """\
The interface that the studio's own page uses. Every request but `/healthz` shows the token that the
studio printed at its start, as `Authorization: Bearer TOKEN`; browsers exchange it for a cookie.
Errors are problem details (RFC 9457) whose `code` is the kind of error. Live sessions are on the
WebSocket `/api/v1/live`, which docs/studio-api.md describes. What is in version 1 stays; what is
added later may be ignored."""

_PROBLEM = {
    "description": "What was wrong, and what to do",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_STYLE = """\
:root { color-scheme: dark light }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code { font-size: .95em }
dt { margin-top: 1rem }
dd { margin-left: 1.5rem }
"""


def operation_id(route: APIRoute) -> str:
    """A short name of a route that no other has, for programs that make a client of it."""
    group = str(route.tags[0]) if route.tags else "other"
    return f"{group}.{route.name}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of ``app``, made once: any answer that is not described is a problem."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    schema = get_openapi(
        title="Masquerade studio",
        version=__version__,
        summary="Face swaps, live and of files, over HTTP",
        description=_DESCRIPTION,
        routes=app.routes,
    )
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    app.openapi_schema = schema
    return schema


@router.get("/docs")
def read_docs(request: Request) -> Response:
    """Every operation with its summary."""
    entries = [
        _entry(method, path, operation)
        for path, operations in describe(request.app)["paths"].items()
        for method, operation in operations.items()
    ]
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Masquerade studio API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="docs.css"><main><h1>Masquerade studio API, version 1</h1>'
        f"<p>{_prose(_DESCRIPTION)}</p>"
        '<p><a href="openapi.json">openapi.json</a> is the same for programs.</p>'
        f"<dl>{''.join(entries)}</dl></main></html>"
    )


@router.get("/docs.css")
def read_style() -> Response:
    """The look of the page."""
    return Response(_STYLE, media_type="text/css")


def _entry(method: str, path: str, operation: dict[str, Any]) -> str:
    summary = escape(operation.get("summary", ""))
    more = _prose(operation.get("description", ""))
    return f"<dt><code>{method.upper()} {escape(path)}</code> {summary}</dt><dd>{more}</dd>"


def _prose(text: str) -> str:
    """Text with its `code` marked."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
