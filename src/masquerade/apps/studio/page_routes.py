"""The page at the root of the site."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from masquerade.apps.studio.page_files import PageFiles
from masquerade.apps.studio.problems import problem

__all__ = ["page_route"]


def page_route(files: PageFiles) -> Route:
    """A route for every path that nothing else answers.

    Args:
        files: of the page.
    """

    def read(request: Request) -> Response:
        file = files.find(request.url.path)
        if file is None:
            return problem(404, "There is nothing at this address; begin at the studio's page.")
        headers = {
            "ETag": file.etag,
            "Cache-Control": file.cache_control,
            "Vary": "Accept-Encoding",
        }
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = file.content
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = file.packed, "gzip"
        return Response(content, headers=headers, media_type=file.media_type)

    return Route("/{path:path}", read, methods=["GET", "HEAD"], include_in_schema=False)
