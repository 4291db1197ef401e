"""What the first visit costs, and that the page keeps to its own policy."""

from __future__ import annotations

from typing import Any

from page_harness import Visitor

MOST_BYTES = 300_000
MOST_REQUESTS = 12


def test_first_load_is_small(visit: Visitor) -> None:
    opened = visit()
    answers: list[Any] = []
    opened.page.on("response", lambda answer: answers.append(answer))
    opened.page.goto(opened.studio.link)
    opened.page.wait_for_selector(".live-button")
    opened.page.wait_for_load_state("networkidle")
    fetched = [answer for answer in answers if answer.status == 200]
    # As many portraits as there are on the shelf come after that.
    sizes = {one.url: len(one.body()) for one in fetched if not one.url.endswith("/thumbnail")}
    assert sum(sizes.values()) < MOST_BYTES, sizes
    assert len(sizes) <= MOST_REQUESTS
    assert {url.split("/")[2] for url in sizes} == {opened.studio.root.split("/")[2]}


def test_page_is_drawn_by_one_step_of_scripts(visit: Visitor) -> None:
    """From the page's script to the Live button: no waiting for anything but the language."""
    opened = visit()
    opened.open()
    opened.page.wait_for_selector(".live-button")
    entries = opened.page.evaluate(
        "performance.getEntriesByType('resource').map(e => [new URL(e.name).pathname, e.startTime])"
    )
    order = [name for name, _start in sorted(entries, key=lambda entry: entry[1])]
    assert order.index("/locales/en.json") < 10
    assert not [name for name in order if name.endswith("live.js")]  # comes with the first stream


def test_policy_is_strict_and_kept(visit: Visitor) -> None:
    opened = visit()
    answer = opened.page.goto(opened.studio.link)
    policy = answer.headers["content-security-policy"]
    assert "'unsafe" not in policy
    assert "default-src 'none'" in policy
    for name in ("files", "library", "live"):
        opened.open(name)  # the fixture fails on any complaint of the console


def test_stranger_is_told_what_to_do(visit: Visitor) -> None:
    opened = visit()
    answer = opened.page.goto(opened.studio.root)
    assert answer.status == 401
    assert "open the link" in opened.page.inner_text("main").lower()
    opened.complaints.clear()  # the browser itself notes the 401
