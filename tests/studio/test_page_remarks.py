"""What the studio remarks on, asks about and cannot do is said in the page's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from page_harness import Visitor, forget, picture, start, wait_until

pytestmark = pytest.mark.long
PROBLEM = {"type": "about:blank", "title": "Forbidden", "status": 403, "code": "guardian"}


def test_a_content_check_that_is_off_is_shown_in_the_readers_language(
    visit: Visitor, donor: str
) -> None:
    opened = visit(locale="de-DE")
    page = start(opened, "puppet")
    page.evaluate("document.querySelectorAll('.controls .group').forEach(one => one.open = true)")
    off = page.locator(".remarks", has_text="Die Inhaltsprüfung ist aus")
    assert off.count() == 0
    page.get_by_role("switch", name="Inhaltsprüfung").click()
    off.wait_for()
    page.keyboard.press("i")  # without the figures too
    wait_until(lambda: page.locator(".figures").count() == 0)
    assert off.count() == 1
    page.get_by_role("switch", name="Inhaltsprüfung").click()
    wait_until(lambda: off.count() == 0)


def test_somebody_answers_for_a_donor_who_looks_like_a_child(
    visit: Visitor, donor: str, photos: dict[str, Path]
) -> None:
    """The studio's own judgement is tried elsewhere: here it is made to ask."""
    opened = visit()
    said: list[dict[str, Any]] = []

    def answer(route: Any) -> None:
        if route.request.method != "POST":
            return route.continue_()
        said.append(route.request.post_data_json)
        if said[-1].get("guardian"):
            return route.continue_()
        return route.fulfill(
            status=403, content_type="application/problem+json", body=json.dumps(PROBLEM)
        )

    page = opened.page
    page.route("**/api/v1/identities", answer)
    opened.open()
    page.set_input_files(".live-page .shelf input[type=file]", photos["mona_lisa"])
    page.get_by_role("button", name="A work in the public domain").click()
    page.get_by_text("Is this person under 18?").wait_for()
    page.get_by_role("button", name="The person is 18 or older").click()
    wait_until(lambda: page.locator("dialog").count() == 0)
    assert [one.get("guardian") for one in said] == [None, "adult"]
    made = max(opened.api("GET", "/identities"), key=lambda one: one["created"])
    forget(opened.studio, made["id"])
    opened.complaints.clear()  # the browser notes the status itself


def test_the_picture_floats_in_a_small_window(visit: Visitor, donor: str) -> None:
    page = start(visit(), "puppet")
    button = page.get_by_role("button", name="Small window on top")
    floats = "document.pictureInPictureElement?.videoWidth ?? 0"
    button.click()
    wait_until(lambda: page.evaluate(floats) > 0)
    button.click()
    wait_until(lambda: page.evaluate(floats) == 0)


COUNT_DECODED = """() => {
    const decode = VideoDecoder.prototype.decode;
    self.decoded = 0;
    VideoDecoder.prototype.decode = function (chunk) {
        self.decoded += 1;
        return decode.call(this, chunk);
    };
}"""


def test_a_browser_on_another_machine_is_sent_h264(visit: Visitor, donor: str) -> None:
    opened = visit()

    def far(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "remote": True})

    opened.page.route("**/api/v1/system", far)
    page = start(opened)
    (worker,) = page.workers
    worker.evaluate(COUNT_DECODED)
    n = opened.latency()["n"]
    wait_until(lambda: worker.evaluate("self.decoded") > 10)
    wait_until(lambda: opened.latency()["n"] > n + 10)
    wait_until(lambda: page.locator(".face.swapped").count() == 1)
    assert picture(page).std() > 10
