"""One studio for all tests of the page, one browser for a module, and a context for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_harness import (
    CHROMIUM,
    QUIET_FLAGS,
    StudioProcess,
    Visit,
    Visitor,
    enrol,
    studio_process,
    write_camera,
    write_film,
    write_photo,
)

from masquerade.testing import IdentityJudge

if not Path(CHROMIUM).exists():
    collect_ignore_glob = ["test_page_[!bt]*.py"]


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("photos")
    return {name: write_photo(name, folder / f"{name}.jpg") for name in ("mona_lisa", "astronaut")}


@pytest.fixture(scope="session")
def judge() -> IdentityJudge:
    """Whose face is on the screen; it knows nothing of what draws it."""
    return IdentityJudge()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "puppet.mp4")


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    with studio_process(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """For a module alone: while Playwright is there, nobody else can run a loop of asyncio."""
    from playwright.sync_api import sync_playwright

    camera = write_camera(tmp_path_factory.mktemp("camera") / "puppet.mjpeg")
    flags = [
        *QUIET_FLAGS,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, studio: StudioProcess) -> Iterator[Visitor]:
    """Opens visits; at the end none of them may have complained in its console."""
    contexts, visits = [], []

    def make(at: StudioProcess | None = None, **options: Any) -> Visit:
        options = {
            "viewport": {"width": 1280, "height": 800},
            "locale": "en-GB",
            "reduced_motion": "reduce",
            **options,
        }
        context = browser.new_context(**options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        visits.append(Visit(context.new_page(), at or studio))
        return visits[-1]

    yield make
    complaints = [complaint for one in visits for complaint in one.complaints]
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture(scope="session")
def donor(studio: StudioProcess, photos: dict[str, Path]) -> str:
    """The id of an identity on the shelf."""
    return enrol(studio, photos["mona_lisa"], "Mona Lisa")
