"""The page's files: packed, cached, and nothing else is ever read."""

from __future__ import annotations

import gzip

import httpx
import pytest
from starlette.applications import Starlette
from studio_harness import client_of, run_async

from masquerade.apps.studio.page_files import PageFiles
from masquerade.apps.studio.page_routes import page_route


@pytest.fixture
def page(tmp_path):
    folder = tmp_path / "page"
    (folder / "locales").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>" + "<p>words</p>" * 100)
    (folder / "app.js").write_text("let a = 1;\n" * 100)
    (folder / "app-9f3c21ab.css").write_text("p { color: red }\n" * 100)
    (folder / "locales" / "de.json").write_text("{}")
    (folder / "icon.png").write_bytes(bytes(5000))
    (folder / ".secret").write_text("secret")
    (tmp_path / "outside.txt").write_text("outside")
    return folder


def get(page, path, **headers):
    app = Starlette(routes=[page_route(PageFiles(page))])

    async def work():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://t"
        ) as made:
            return await made.get(path, headers={"Accept-Encoding": "identity", **headers})

    return run_async(work)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/app-9f3c21ab.css", "text/css; charset=utf-8"),
        ("/locales/de.json", "application/json"),
        ("/icon.png", "image/png"),
    ],
)
def test_each_file_has_its_type(page, path, kind):
    response = get(page, path)
    assert (response.status_code, response.headers["content-type"]) == (200, kind)


def test_they_are_packed_for_browsers_that_unpack(page):
    raw = get(page, "/app.js")
    packed = get(page, "/app.js", **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == raw.content
    assert (
        int(packed.headers["content-length"])
        == len(gzip.compress(raw.content, 9, mtime=0))
        < len(raw.content)
    )
    assert "content-encoding" not in get(page, "/icon.png", **{"Accept-Encoding": "gzip"}).headers


def test_they_are_asked_for_again_unless_named_by_their_content(page):
    assert get(page, "/app.js").headers["cache-control"] == "no-cache"
    assert "immutable" in get(page, "/app-9f3c21ab.css").headers["cache-control"]
    etag = get(page, "/app.js").headers["etag"]
    again = get(page, "/app.js", **{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    (page / "app.js").write_text("let a = 2;\n" * 100)
    assert get(page, "/app.js", **{"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/.secret",
     "/locales", "/locales/", "/etc/passwd", "/app.js/", "/app.js%00"],
)  # fmt: skip
def test_nothing_else_is_there(page, path):
    assert get(page, path).status_code == 404


def test_without_a_built_page_there_are_words(tmp_path):
    response = get(tmp_path, "/")
    assert (response.status_code, "/api/v1/docs" in response.text) == (200, True)


def test_other_methods_are_refused(configure):
    async def work():
        async with client_of(configure()) as client:
            return await client.post("/app.js")

    response = run_async(work)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
