"""Everybody can use the page: axe finds nothing, keys are enough, a phone is wide enough."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_harness import PAGE, Visitor, wait_until

pytestmark = pytest.mark.slow
PAGES = ("live", "files", "library")
PHONE = {"width": 360, "height": 740}
TOO_WIDE = """
() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.outerHTML.slice(0, 100))
"""


def violations(page: Any) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit: Visitor, donor: str, name: str, theme: str) -> None:
    page = visit(color_scheme=theme).open(name)
    page.wait_for_selector(f"main:not([hidden]) img[src*='{donor}']")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.evaluate("document.querySelectorAll('.group').forEach(group => group.open = true)")
    assert not violations(page)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_dialogs(
    visit: Visitor, donor: str, photos: dict[str, Any], theme: str
) -> None:
    page = visit(color_scheme=theme).open()
    page.keyboard.press("?")
    page.wait_for_selector("dialog .keys")
    assert not violations(page)
    page.keyboard.press("Escape")
    page.set_input_files(".shelf input[type=file]", photos["astronaut"])
    page.wait_for_selector("dialog .consent-answers")
    assert not violations(page)


def test_theme_can_be_chosen_and_is_remembered(visit: Visitor) -> None:
    page = visit(color_scheme="dark").open()
    page.get_by_role("button", name="Light page").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.reload()
    page.wait_for_selector(".live-button")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_keys_alone_begin_a_stream(visit: Visitor, donor: str) -> None:
    """Tab to the shelf, the source and the Live button; nothing is pressed by mouse."""
    page = visit().open()
    page.wait_for_selector(".donor")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate(f"document.activeElement?.matches({selector!r}) ?? false"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"no way by Tab to {selector}")

    tab_to(".donor")
    page.keyboard.press("Enter")
    tab_to(".source select")
    page.keyboard.type("the p")  # the puppet
    tab_to(".live-button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".stage.live")
    wait_until(lambda: page.locator(".over-stage:not(.none)").count() == 0)
    page.keyboard.press("i")
    page.keyboard.press("l")
    page.wait_for_selector(".stage.idle")


def test_keys_do_nothing_while_somebody_types(visit: Visitor, donor: str) -> None:
    page = visit().open()
    mirrored = page.get_by_role("button", name="Mirror")
    before = mirrored.get_attribute("aria-pressed")
    page.evaluate("document.querySelectorAll('.group').forEach(group => group.open = true)")
    page.get_by_label("Name of a new preset").focus()
    page.keyboard.type("m")
    assert mirrored.get_attribute("aria-pressed") == before
    page.locator("body").click(position={"x": 4, "y": 400})
    page.keyboard.press("m")
    assert mirrored.get_attribute("aria-pressed") != before


def test_single_keys_can_be_switched_off(visit: Visitor) -> None:
    page = visit().open()
    mirrored = page.get_by_role("button", name="Mirror")
    before = mirrored.get_attribute("aria-pressed")
    page.keyboard.press("?")
    page.get_by_role("switch", name="Single keys work").click()
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    assert mirrored.get_attribute("aria-pressed") == before


def test_focus_returns_from_a_dialog(visit: Visitor) -> None:
    page = visit().open()
    button = page.get_by_role("button", name="Keys and help")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert button.evaluate("element => element === document.activeElement")


@pytest.mark.parametrize("language", sorted(path.stem for path in (PAGE / "locales").iterdir()))
def test_phone_shows_everything_in_each_language(visit: Visitor, donor: str, language: str) -> None:
    page = visit(viewport=PHONE, locale=language, has_touch=True).open()
    for name in PAGES:
        page.goto(page.url.partition("#")[0] + f"#/{name}")
        page.wait_for_selector(f"main.{name}-page:not([hidden]) img[src*='{donor}']")
        page.evaluate("document.querySelectorAll('.group').forEach(group => group.open = true)")
        too_wide = page.evaluate(TOO_WIDE)
        assert not too_wide, (name, language)
    assert page.evaluate("document.documentElement.lang").startswith(language)


def test_language_can_be_chosen_and_is_remembered(visit: Visitor) -> None:
    page = visit().open()
    page.get_by_label("Language").select_option("de")
    page.get_by_role("link", name="Bibliothek").wait_for()
    page.reload()
    page.get_by_role("link", name="Bibliothek").wait_for()
