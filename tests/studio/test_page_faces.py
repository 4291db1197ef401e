"""Two faces in the picture: each gets its own donor by click and by drop, and gives it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_harness import (
    StudioProcess,
    Visitor,
    enrol,
    forget,
    picture,
    running,
    wait_until,
    write_pair,
)

pytestmark = pytest.mark.long
OTHER = "Eileen"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pair(tmp_path_factory.mktemp("pair") / "pair.mp4")


@pytest.fixture(scope="module")
def other(studio: StudioProcess, photos: dict[str, Path]) -> Iterator[str]:
    """A second donor, as long as these tests run."""
    made = enrol(studio, photos["astronaut"], OTHER)
    yield made
    forget(studio, made)


def begin(opened: Any, donor: str, file: Path) -> Any:
    """The live page with a file as its source, every face swapped."""
    page = opened.open()
    page.locator(f".live-page .donor:has(img[src*='{donor}'])").click()
    page.locator(".source select").first.select_option("upload")
    page.set_input_files(".source input[type=file]", file)
    page.get_by_text(file.name).wait_for()
    page.locator(".live-button").click()
    return running(opened)


def names(page: Any) -> list[str]:
    """What is written at the faces, from left to right."""
    boxes = page.locator(".face").evaluate_all(
        "all => all.map(one => [one.getBoundingClientRect().x, one.textContent])"
    )
    return [name for _x, name in sorted(boxes)]


def at(page: Any, place: int) -> Any:
    """The face at that place from the left."""
    lefts = page.locator(".face").evaluate_all("all => all.map(one => parseFloat(one.style.left))")
    return page.locator(".face").nth(int(np.argsort(lefts)[place]))


def test_two_faces_get_donors_of_their_own_and_give_them_back(
    visit: Visitor, donor: str, other: str, pair: Path
) -> None:
    opened = visit()
    page = begin(opened, donor, pair)
    wait_until(lambda: len(names(page)) == 2)
    wait_until(lambda: sorted(names(page)) == ["Mona Lisa", "Real face"])  # one is chosen
    page.keyboard.press("a")  # every face
    wait_until(lambda: names(page) == ["Mona Lisa", "Mona Lisa"])

    at(page, 0).click()
    page.locator("dialog .donor", has_text=OTHER).click()
    wait_until(lambda: names(page) == [OTHER, "Mona Lisa"])
    page.wait_for_selector(".face.swapped.own")

    at(page, 1).click()
    page.get_by_role("button", name="Leave it as it is").click()
    wait_until(lambda: names(page) == [OTHER, "Real face"])

    for place, expected in ((0, ["Mona Lisa", "Real face"]), (1, ["Mona Lisa", "Mona Lisa"])):
        at(page, place).click()
        page.get_by_role("button", name="The same as all others").click()
        wait_until(lambda expected=expected: names(page) == expected)
    assert page.locator(".face.own").count() == 0

    page.locator(".live-page .shelf .donor", has_text=OTHER).drag_to(at(page, 1))
    wait_until(lambda: names(page) == ["Mona Lisa", OTHER])
    page.keyboard.press("Control+z")
    wait_until(lambda: names(page) == ["Mona Lisa", "Mona Lisa"])


def middle(page: Any) -> np.ndarray:
    """Where the face of a portrait is."""
    shown = picture(page).astype(float)
    height, width = shown.shape[:2]
    return shown[height // 8 : height // 2, 3 * width // 8 : 5 * width // 8]


def test_a_still_picture_is_a_source_too(
    visit: Visitor, donor: str, photos: dict[str, Path]
) -> None:
    opened = visit()
    page = begin(opened, donor, photos["astronaut"])
    wait_until(lambda: names(page) == ["Mona Lisa"])
    swapped = middle(page)
    page.get_by_label("Strength").fill("0")
    wait_until(lambda: np.abs(middle(page) - swapped).mean() > 3)
