"""Three clicks to a live swap in a real browser, and everything that acts on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av
import cv2
import pytest
from page_harness import (
    Visitor,
    assert_shows,
    hue_of_face,
    picture,
    running,
    start,
    studio_process,
    wait_until,
)

from masquerade.testing import IdentityJudge
from masquerade.trust.inspection import inspect_file

pytestmark = pytest.mark.long


def test_three_clicks_to_a_live_swap(
    visit: Visitor, photos: dict[str, Path], judge: IdentityJudge
) -> None:
    opened = visit()
    page = opened.open()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add a face").click()  # one
    chooser.value.set_files(photos["mona_lisa"])
    page.get_by_role("button", name="A work in the public domain").click()  # two
    page.wait_for_selector(".live-page .donor[aria-pressed=true]")
    wait_until(lambda: page.locator("dialog").count() == 0)
    page.locator(".live-button").click()  # three
    running(opened)
    wait_until(lambda: opened.latency()["n"] > 20)
    assert opened.latency()["p50"] > 0
    page.wait_for_selector(".figures")
    faces = wait_until(lambda: page.locator(".face").count())
    assert faces == 1
    assert page.locator(".face").get_attribute("aria-label").startswith("Face ")
    assert_shows(judge, page, photos["mona_lisa"], not_at_all=photos["astronaut"])


def test_sliders_and_switches_act_on_the_running_stream(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = start(opened)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".over-stage")
    page.get_by_role("button", name="Pause").click()
    wait_until(lambda: page.locator(".over-stage:not(.none)").count() == 0)
    swapped = hue_of_face(page)
    page.get_by_label("Strength").evaluate(
        "slider => { slider.value = 0; slider.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    wait_until(lambda: abs(hue_of_face(page) - swapped) > 0.08)
    real = hue_of_face(page)
    page.keyboard.press("Control+z")
    assert page.get_by_label("Strength").input_value() == "1"
    wait_until(lambda: abs(hue_of_face(page) - real) > 0.08)
    page.keyboard.press("Control+Shift+z")
    assert page.get_by_label("Strength").input_value() == "0"


def test_mirror_and_wipe(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = start(opened)
    page.keyboard.press("w")
    page.wait_for_selector(".wipe")
    line = page.get_by_label("Line between before and after")
    line.fill("1")
    real = wait_until(lambda: hue_of_face(page))
    line.fill("0")
    wait_until(lambda: abs(hue_of_face(page) - real) > 0.08)
    page.keyboard.press("w")
    assert page.locator(".wipe").count() == 0

    def flag() -> float:
        """The flag of the astronaut's portrait is red, on one side."""
        shown = picture(page).astype(float)
        red = shown[..., 2] - shown[..., 0]
        half = red.shape[1] // 2
        return float(red[:, :half].mean() - red[:, half:].mean())

    before = flag()
    page.keyboard.press("m")
    wait_until(lambda: flag() * before < 0)


def test_a_face_gets_its_own_donor_by_click_and_by_drop(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = start(opened)
    page.wait_for_selector(".face")
    swapped = hue_of_face(page)
    page.locator(".face").first.click()
    page.get_by_role("button", name="Leave it as it is").click()
    wait_until(lambda: abs(hue_of_face(page) - swapped) > 0.08)
    page.wait_for_selector(".face.passed")
    page.locator(".shelf .donor").first.drag_to(page.locator(".face").first)
    page.wait_for_selector(".face.swapped.own")


def test_snapshot_and_recording_are_downloaded(visit: Visitor, donor: str, tmp_path: Path) -> None:
    opened = visit()
    opened.open().get_by_role("switch", name="With sound").click()
    page = start(opened)
    with page.expect_download() as saved:
        page.keyboard.press("s")
    assert re.fullmatch(r"masquerade-[\d-]+\.png", saved.value.suggested_filename)
    saved.value.save_as(tmp_path / "picture.png")
    assert cv2.imread(str(tmp_path / "picture.png")).shape == (480, 640, 3)
    assert inspect_file(tmp_path / "picture.png").latest is not None
    page.get_by_role("button", name="Record").click()
    page.wait_for_selector(".recorded")
    n = opened.latency()["n"]
    wait_until(lambda: opened.latency()["n"] > n + 30)
    with page.expect_download() as recorded:
        page.get_by_role("button", name="Record").click()
    assert recorded.value.suggested_filename.endswith(".mp4")
    recorded.value.save_as(tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        lengths = {s.type: float(s.duration * s.time_base) for s in film.streams}
    assert lengths["video"] > 0.5
    assert abs(lengths["video"] - lengths["audio"]) < 0.5


@pytest.mark.parametrize("codec", ["jpeg", "h264"])
def test_both_codecs_carry_pictures(visit: Visitor, donor: str, codec: str) -> None:
    opened = visit()
    page = opened.open()
    page.get_by_text("Connection").click()
    page.get_by_label("Pictures are sent as").select_option(codec)
    start(opened)
    wait_until(lambda: opened.latency()["n"] > 30)


def test_webrtc_carries_pictures_and_gives_back(visit: Visitor, donor: str) -> None:
    pytest.importorskip("aiortc")
    opened = visit()
    page = opened.open()
    page.get_by_text("Connection").click()
    page.get_by_label("Way of the pictures").select_option("webrtc")
    start(opened)
    page.locator(".figures", has_text="WebRTC").wait_for()
    page.wait_for_selector(".face")  # where they are is still told by the WebSocket
    wait_until(lambda: opened.latency()["n"] > 2)
    assert picture(page).std() > 10


def test_other_sources(visit: Visitor, donor: str, film: Path) -> None:
    opened = visit()
    page = start(opened, "puppet")
    page.wait_for_selector(".figures")
    page.locator(".live-button").click()
    page.wait_for_selector(".stage.idle")
    page.locator(".source select").first.select_option("upload")
    page.set_input_files(".source input[type=file]", film)
    page.get_by_text("puppet.mp4").wait_for()
    page.locator(".live-button").click()
    running(opened)
    page.keyboard.press("w")  # the server sends the original too
    page.wait_for_selector(".wipe")
    page.get_by_label("Line between before and after").fill("1")
    page.wait_for_timeout(500)
    assert picture(page).std() > 10


def test_the_stream_goes_on_while_other_pages_are_read(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = start(opened)
    page.keyboard.press("3")
    page.wait_for_selector("main.library-page")
    n = opened.latency()["n"]
    wait_until(lambda: opened.latency()["n"] > n + 10)
    assert page.locator(".on-air").count() == 1
    page.keyboard.press("1")
    page.wait_for_selector(".stage.live")


def test_settings_and_look_are_remembered(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = opened.open()
    page.get_by_label("Face shape").fill("0.3")
    page.locator(".source select").first.select_option("puppet")
    page.reload()
    page.wait_for_selector(".live-button")
    assert page.get_by_label("Face shape").input_value() == "0.3"
    assert page.locator(".source select").first.input_value() == "puppet"
    page.get_by_role("button", name="Reset", exact=True).click()
    assert page.get_by_label("Face shape").input_value() == "0.75"


def test_settings_travel_as_toml_to_the_command_line_and_back(
    visit: Visitor, donor: str, photos: dict[str, Path], tmp_path: Path
) -> None:
    opened = visit()
    page = opened.open()
    page.get_by_label("Face shape").fill("0.3")
    page.get_by_text("Keep and share").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save file").click()
    saved.value.save_as(tmp_path / "look.toml")
    assert "shape = 0.3" in (tmp_path / "look.toml").read_text()
    swap = [sys.executable, "-m", "masquerade", "swap", "--settings", tmp_path / "look.toml"]
    who = ["-s", photos["mona_lisa"], "--consent", "public-domain", "-t", photos["astronaut"]]
    made = ["-o", tmp_path / "out.jpg", "--report", tmp_path / "report.json"]
    home = {**os.environ, "MASQUERADE_HOME": str(tmp_path / "home")}
    subprocess.run([*swap, *who, *made], env=home, check=True, capture_output=True)
    assert '"shape": 0.3' in (tmp_path / "report.json").read_text()
    page.get_by_role("button", name="Reset", exact=True).click()
    page.set_input_files("input[accept='.toml']", tmp_path / "look.toml")
    wait_until(lambda: page.get_by_label("Face shape").input_value() == "0.3")


def test_camera_that_vanishes_is_told_of(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = opened.open()
    page.evaluate("""() => {
        const devices = navigator.mediaDevices;
        const open = devices.getUserMedia.bind(devices);
        devices.getUserMedia = async (wish) => {
            const stream = await open(wish);
            window.unplug = () => {
                const track = stream.getVideoTracks()[0];
                track.stop();
                track.dispatchEvent(new Event("ended"));
            };
            return stream;
        };
    }""")
    page.locator(".shelf .donor").first.click()
    page.locator(".live-button").click()
    running(opened)
    page.evaluate("unplug()")
    page.get_by_text("The camera is gone.").wait_for()
    assert page.locator(".stage.idle").count() == 1


def test_refused_camera_is_told_of(visit: Visitor, donor: str) -> None:
    opened = visit()
    page = opened.open()
    page.evaluate("""() => {
        navigator.mediaDevices.getUserMedia = () =>
            Promise.reject(new DOMException("no", "NotAllowedError"));
    }""")
    page.locator(".shelf .donor").first.click()
    page.locator(".live-button").click()
    page.get_by_text("The camera is not allowed.").wait_for()


def test_page_connects_anew_when_the_studio_is_back(
    visit: Visitor, tmp_path: Path, photos: dict[str, Path]
) -> None:
    token = "one-token-for-both-studios"
    with studio_process(tmp_path, token=token) as first:
        port = int(first.root.rpartition(":")[2])
        opened = visit(first)
        page = opened.open()
        page.set_input_files(".shelf input[type=file]", photos["mona_lisa"])
        page.get_by_role("button", name="A work in the public domain").click()
        page.wait_for_selector(".live-page .donor[aria-pressed=true]")
        page.locator(".live-button").click()
        running(opened)
    page.get_by_text("The connection broke.").wait_for()
    with studio_process(tmp_path, port, token=token):
        page.wait_for_selector(".stage.live", timeout=40_000)
    opened.complaints.clear()
