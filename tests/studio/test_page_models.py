"""Models from the library page: every licence is asked for, then fetched, used, and removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_harness import StudioProcess, Visitor, enrol, start, studio_process, wait_until

from masquerade.models.catalogue import catalogue
from masquerade.testing.networks.functional import draw_functional

pytestmark = pytest.mark.long
ALONE = "blendswap_256"  # needs no other, and nobody told its hash
NEEDY = "inswapper_128"


@pytest.fixture(scope="module")
def supplied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A studio that fetches from a folder, where one network lies."""
    mirror = tmp_path_factory.mktemp("mirror")
    path = mirror / ALONE / catalogue()[ALONE].files[0].name
    path.parent.mkdir()
    path.write_bytes(draw_functional(ALONE).SerializeToString())
    home = tmp_path_factory.mktemp("supplied")
    with studio_process(home, environment={"MASQUERADE_MIRRORS": mirror.as_uri()}) as running:
        yield running


def test_a_model_is_licensed_fetched_and_removed(visit: Visitor, supplied: StudioProcess) -> None:
    page = visit(supplied).open("library")
    row = page.locator(".model", has=page.locator(f"strong[title='{ALONE}']"))
    row.get_by_role("button", name="Download").click()
    page.get_by_role("button", name="Accept and download").click()
    page.get_by_text(f"{ALONE} is installed.").wait_for()
    row.locator(".tag.good").wait_for()
    page.keyboard.press("1")
    page.get_by_label("Model", exact=True).select_option(ALONE)
    page.keyboard.press("3")
    row.get_by_role("button", name=f"Remove {ALONE}").click()
    row.get_by_role("button", name="Download").wait_for()


def test_how_a_network_runs_is_said_in_the_readers_language(
    visit: Visitor, supplied: StudioProcess, photos: dict[str, Path]
) -> None:
    opened = visit(supplied, locale="de-DE")
    enrol(supplied, photos["mona_lisa"], "Mona Lisa")
    page = opened.open("library")
    row = page.locator(".model", has=page.locator(f"strong[title='{ALONE}']"))
    accepted = {one["name"] for one in opened.api("GET", "/models") if one["accepted"]}
    row.get_by_role("button", name="Herunterladen").click()
    if ALONE not in accepted:
        page.get_by_role("button", name="Zustimmen und herunterladen").click()
    page.get_by_text(f"{ALONE} ist installiert.").wait_for()
    page.keyboard.press("1")
    page.get_by_label("Modell", exact=True).select_option(ALONE)
    page = start(opened, "puppet")
    page.locator(".remarks .hint", has_text=f"{ALONE} läuft").first.wait_for()
    assert page.locator(".remarks [lang=en]").count() == 0


def test_models_that_come_along_have_licences_too(visit: Visitor, supplied: StudioProcess) -> None:
    opened = visit(supplied)
    page = opened.open("library")
    row = page.locator(".model", has=page.locator(f"strong[title='{NEEDY}']"))
    row.get_by_role("button", name="Download").click()
    asked = [NEEDY, *catalogue()[NEEDY].needs]
    assert len(asked) > 1
    for name in asked:
        page.get_by_role("heading", name=f"Licence of {name}").wait_for()
        assert page.get_by_text("which does not work without it").count() == (name != NEEDY)
        page.get_by_role("button", name="Accept and download").click()
    # The folder has neither: that is said, and nothing else was in the way.
    page.wait_for_selector(".notice.bad")
    assert "licence" not in page.locator(".notice.bad").inner_text().lower()
    accepted = {one["name"] for one in opened.api("GET", "/models") if one["accepted"]}
    assert set(asked) <= accepted
    wait_until(lambda: page.locator(".model progress").count() == 0)
