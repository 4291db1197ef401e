"""The gate in a real browser: pages of others get nothing out of a user who is let in."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from page_harness import StudioProcess

ATTACK = """
async root => {
  const tried = {};
  const attempt = async (name, options) => {
    try {
      const answer = await fetch(root + "/api/v1/system", options);
      tried[name] = answer.type + " " + answer.status;
    } catch { tried[name] = "refused"; }
  };
  await attempt("read", {credentials: "include"});
  await attempt("blind", {mode: "no-cors", credentials: "include"});
  await attempt("post", {method: "POST", mode: "no-cors", credentials: "include", body: "x"});
  tried.socket = await new Promise(done => {
    const socket = new WebSocket(root.replace("http", "ws") + "/api/v1/live", "masquerade.v1");
    socket.onopen = () => done("open");
    socket.onclose = () => done("refused");
  });
  tried.picture = await new Promise(done => {
    const picture = new Image();
    picture.onload = () => done("shown");
    picture.onerror = () => done("refused");
    picture.src = root + "/icon.svg";
  });
  tried.script = await new Promise(done => {
    const script = document.createElement("script");
    script.onload = () => done("run");
    script.onerror = () => done("refused");
    script.src = root + "/app.js";
    document.body.append(script);
  });
  return tried;
}
"""


@pytest.fixture
def stranger() -> Iterator[str]:
    """Another server on this machine: for the browser it is of the same site as the studio."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>a stranger's page")

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def user(browser: Any, studio: StudioProcess) -> Iterator[Any]:
    """The context of somebody who opened the link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(studio.link)
    page.wait_for_selector(".live-button")
    yield context
    context.close()


def test_the_token_does_not_stay_in_the_address_and_scripts_see_no_cookie(
    user: Any, studio: StudioProcess
) -> None:
    (page,) = user.pages
    assert page.url == f"{studio.root}/"
    assert page.evaluate("document.cookie") == ""
    assert studio.token not in page.content()
    (cookie,) = user.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("crossOriginIsolated")


def test_a_page_of_another_server_of_this_machine_gets_nothing(
    user: Any, studio: StudioProcess, stranger: str
) -> None:
    page = user.new_page()
    page.goto(stranger)
    tried = page.evaluate(ATTACK, studio.root)
    assert set(tried.values()) == {"refused"}, tried
    assert len(tried) == 6


def test_no_page_may_frame_the_studio(user: Any, studio: StudioProcess, stranger: str) -> None:
    page = user.new_page()
    page.goto(stranger)
    page.set_content(f'<iframe src="{studio.root}/"></iframe>')
    page.wait_for_timeout(500)
    assert len(page.frames) == 2
    assert not any(frame.query_selector(".live-button") for frame in page.frames)


def test_without_the_link_there_is_one_sentence(browser: Any, studio: StudioProcess) -> None:
    page = browser.new_page()
    page.goto(f"{studio.root}/")
    assert "open the link" in page.inner_text("main")
    page.close()


def test_the_link_works_from_a_page_of_others(
    browser: Any, studio: StudioProcess, stranger: str
) -> None:
    page = browser.new_page()
    page.goto(stranger)
    page.set_content(f'<a href="{studio.link}">the studio</a>')
    page.click("a")
    page.wait_for_selector(".live-button")
    assert page.url == f"{studio.root}/"
    page.close()
