"""Several browsers at one studio: each has its own stream, one too many is told so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from page_harness import (
    StudioProcess,
    Visitor,
    assert_shows,
    enrol,
    running,
    start,
    studio_process,
    wait_until,
)

from masquerade.testing import IdentityJudge

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory, photos: dict[str, Path]
) -> Iterator[StudioProcess]:
    """A studio for two streams."""
    home = tmp_path_factory.mktemp("small")
    with studio_process(home, 0, "--max-sessions", "2") as running_studio:
        enrol(running_studio, photos["mona_lisa"], "Mona Lisa")
        yield running_studio


def sessions(studio: StudioProcess) -> int:
    headers = {"Authorization": f"Bearer {studio.token}"}
    answer = httpx.get(f"{studio.root}/api/v1/system", headers=headers, timeout=30)
    return int(answer.json()["sessions"])


def test_two_browsers_have_streams_of_their_own_and_a_third_waits(
    visit: Visitor, small: StudioProcess, photos: dict[str, Path], judge: IdentityJudge
) -> None:
    one, two, three = visit(small), visit(small), visit(small)
    first, second = start(one), start(two)
    assert sessions(small) == 2
    first.locator(".face.swapped").wait_for()
    second.locator(".face.swapped").click()
    second.get_by_role("button", name="Leave it as it is").click()
    second.locator(".face.passed").wait_for()
    second.get_by_label("Strength").fill("0.5")
    mona, astronaut = photos["mona_lisa"], photos["astronaut"]
    assert_shows(judge, first, mona, not_at_all=astronaut)
    assert_shows(judge, second, astronaut, not_at_all=mona)
    assert first.get_by_label("Strength").input_value() == "1"

    third = three.open()
    third.locator(".live-page .donor").first.click()
    third.locator(".live-button").click()
    third.get_by_text("All 2 live sessions of this studio are taken").first.wait_for()
    assert third.locator(".stage.idle").count() == 1
    n = one.latency()["n"]
    wait_until(lambda: one.latency()["n"] > n + 5)  # nobody else noticed

    second.close()  # a tab dies: its session ends and makes room
    wait_until(lambda: sessions(small) == 1)
    third.locator(".live-button").click()
    running(three)
    assert sessions(small) == 2
