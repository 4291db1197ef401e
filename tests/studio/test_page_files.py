"""Files from drop to download in a real browser, and the library."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest
from page_harness import Visitor, studio_process, wait_until

from masquerade.trust.inspection import inspect_file

pytestmark = pytest.mark.long
HOLD_MS = 120_000


def add(page: Any, *files: Path) -> None:
    page.set_input_files(".targets input[type=file]", list(files))
    for file in files:
        page.locator(".target", has_text=file.name).wait_for()


def test_picture_from_drop_to_download(
    visit: Visitor, donor: str, photos: dict[str, Path], tmp_path: Path
) -> None:
    opened = visit()
    page = opened.open("files")
    page.get_by_text("see any moment of it before you start").wait_for()
    add(page, photos["astronaut"])
    page.get_by_text("Faces found: 1").wait_for()
    page.locator("main:not([hidden]) .shelf .donor").first.click()
    page.wait_for_selector(".preview img.after")
    page.wait_for_selector(".preview .wipe")
    page.get_by_role("button", name="Start (1)").click()
    page.wait_for_selector(".job.done", timeout=HOLD_MS)
    assert page.get_by_role("link", name="Credentials").count() == 0  # they are in the picture
    assert page.locator(".target").count() == 0
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").first.click()
    saved.value.save_as(tmp_path / "result.jpg")
    result, target = cv2.imread(str(tmp_path / "result.jpg")), cv2.imread(str(photos["astronaut"]))
    assert result.shape == target.shape
    assert cv2.absdiff(result, target).max() > 60
    page.get_by_role("button", name="Compare").first.click()
    page.wait_for_selector("dialog .wipe")
    wait_until(lambda: page.locator("dialog img.after").evaluate("image => image.naturalWidth"))


def test_video_is_scrubbed_mapped_and_compared(visit: Visitor, donor: str, film: Path) -> None:
    opened = visit()
    page = opened.open("files")
    add(page, film)
    page.get_by_text("Faces found: 1").wait_for()
    page.get_by_label("Moment").fill("1")
    wait_until(lambda: "at_s=1" in page.locator(".preview img").first.get_attribute("src"))
    page.get_by_text("Faces found: 1").wait_for()
    page.get_by_label("Face 1 becomes").select_option(label="Mona Lisa")
    page.wait_for_selector(".preview img.after")
    page.get_by_role("button", name="Start (1)").click()
    job = page.locator(".job", has_text="puppet.mp4").first
    job.wait_for()
    page.reload()  # the queue is the server's
    page.locator(".job.done", has_text="puppet.mp4").first.wait_for(timeout=HOLD_MS)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_role("button", name="Play").click()
    ready = "video => video.readyState > 1 && video.videoWidth"
    wait_until(lambda: page.locator("dialog video.after").evaluate(ready))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove puppet.mp4 and its files").first.click()
    wait_until(lambda: page.locator(".job", has_text="puppet.mp4").count() == 0)


def test_credentials_beside_a_result_are_downloaded_with_it(
    visit: Visitor, donor: str, film: Path, tmp_path: Path
) -> None:
    target = tmp_path / "puppet.mkv"
    words = ["ffmpeg", "-v", "error", "-i", str(film), "-c", "copy", "-frames:v", "8", str(target)]
    subprocess.run(words, check=True)
    page = visit().open("files")
    add(page, target)
    page.locator("main:not([hidden]) .shelf .donor").first.click()
    page.get_by_role("button", name="Start (1)").click()
    job = page.locator(".job.done", has_text="puppet.mkv").first
    job.wait_for(timeout=HOLD_MS)
    for link in ("Download", "Credentials"):
        with page.expect_download() as saved:
            job.get_by_role("link", name=link).click()
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
    assert (tmp_path / "puppet-swapped.mkv.credentials.json").is_file()
    found = inspect_file(tmp_path / "puppet-swapped.mkv")
    assert found.latest is not None
    assert found.state != "altered"


def test_draft_survives_a_reload(visit: Visitor, photos: dict[str, Path]) -> None:
    page = visit().open("files")
    add(page, photos["astronaut"], photos["mona_lisa"])
    page.reload()
    wait_until(lambda: page.locator(".target").count() == 2)
    page.get_by_role("button", name="Remove mona_lisa.jpg").click()
    wait_until(lambda: page.locator(".target").count() == 1)


def test_wrong_files_get_one_clear_message(visit: Visitor, tmp_path: Path) -> None:
    opened = visit()
    page = opened.open("files")
    (tmp_path / "notes.txt").write_text("no picture at all")
    page.set_input_files(".targets input[type=file]", tmp_path / "notes.txt")
    page.wait_for_selector(".notice.bad")
    assert "notes.txt" in page.locator(".notice.bad").inner_text()
    assert page.locator(".target").count() == 0
    opened.complaints.clear()  # the browser notes the status itself


def test_failed_jobs_say_why_and_can_be_done_again(
    visit: Visitor, donor: str, tmp_path: Path
) -> None:
    opened = visit()
    page = opened.open("files")
    wall = tmp_path / "wall.png"
    cv2.imwrite(str(wall), cv2.UMat(240, 320, cv2.CV_8UC3, (90, 120, 130)).get())
    add(page, wall)
    page.get_by_text("Faces found: 0").wait_for()
    page.locator("main:not([hidden]) .shelf .donor").first.click()
    page.get_by_role("button", name="Start (1)").click()
    failed = page.locator(".job.failed", has_text="wall.png").first
    failed.wait_for(timeout=HOLD_MS)
    assert "face" in failed.locator(".job-detail").inner_text()
    failed.get_by_role("button", name="Try again").click()
    page.locator(".job.failed", has_text="wall.png").first.wait_for(timeout=HOLD_MS)
    opened.complaints.clear()


def test_identities_are_renamed_completed_and_removed(
    visit: Visitor, photos: dict[str, Path], tmp_path: Path
) -> None:
    opened = visit()
    page = opened.open("library")
    cards = page.locator(".identity")
    count = len(opened.api("GET", "/identities"))
    wait_until(lambda: cards.count() == count)
    page.set_input_files(".identities > .drop input[type=file]", photos["astronaut"])
    page.get_by_role("button", name="The person has agreed").click()
    wait_until(lambda: cards.count() == count + 1)
    card = cards.last
    card.get_by_label("Name of the identity").fill("Eileen")
    page.keyboard.press("Tab")
    wait_until(lambda: "Eileen" in [one["name"] for one in opened.api("GET", "/identities")])
    assert "Quality" in card.inner_text()
    card.locator("input[type=file]").set_input_files(photos["mona_lisa"])
    page.wait_for_selector(".identity:last-child[aria-busy=false], .notice")
    with page.expect_download() as saved:
        card.get_by_role("link", name="Download").click()
    saved.value.save_as(tmp_path / "eileen.mqid")
    assert (tmp_path / "eileen.mqid").stat().st_size > 1000
    before = page.locator(".identity").count()
    card.get_by_role("button", name="Remove Eileen").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    wait_until(lambda: page.locator(".identity").count() == before - 1)
    opened.complaints.clear()  # two people in one identity are refused with a status


def test_presets_are_kept_used_and_removed(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = opened.open()
    page.get_by_label("Strength").fill("0.6")
    page.get_by_text("Keep and share").click()
    page.get_by_label("Name of a new preset").fill("evening")
    page.get_by_role("button", name="Keep as preset").click()
    page.get_by_text("“evening” is kept.").wait_for()
    page.get_by_role("button", name="Reset", exact=True).click()
    page.keyboard.press("3")
    row = page.locator(".preset", has_text="evening")
    assert "Strength: 0.6" in row.inner_text()
    row.get_by_role("button", name="Use").click()
    page.keyboard.press("1")
    assert page.get_by_label("Strength").input_value() == "0.6"
    page.keyboard.press("3")
    row.get_by_role("button", name="Remove evening").click()
    wait_until(lambda: row.count() == 0)


def test_models_show_their_licences_and_ask_before_fetching(visit: Visitor) -> None:
    page = visit().open("library")
    swappers = page.locator(".models .group", has_text="Swappers")
    row = swappers.locator(".model", has_text="not for commercial use").first
    row.get_by_role("button", name="Download").click()
    page.get_by_text("It does not allow commercial use.").wait_for()
    page.get_by_role("button", name="Decline").click()
    wait_until(lambda: page.locator("dialog").count() == 0)


def test_queue_survives_a_closed_tab_and_a_new_studio(
    visit: Visitor, tmp_path: Path, photos: dict[str, Path], film: Path
) -> None:
    with studio_process(tmp_path) as first:
        opened = visit(first)
        page = opened.open("files")
        page.set_input_files("main:not([hidden]) .shelf input[type=file]", photos["mona_lisa"])
        page.get_by_role("button", name="A work in the public domain").click()
        page.wait_for_selector("main:not([hidden]) .donor[aria-pressed=true]")
        add(page, film)
        page.get_by_role("button", name="Start (1)").click()
        page.locator(".job", has_text="puppet.mp4").wait_for()
        page.close()
    with studio_process(tmp_path) as second:
        page = visit(second).open("files")
        page.locator(".job.done", has_text="puppet.mp4").wait_for(timeout=HOLD_MS)
