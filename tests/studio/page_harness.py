"""A studio as a process of its own, and a real browser with a camera that shows the puppet."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from masquerade.media.puppet import Actor, PuppetSource, Scene, bundled_photo, demo_source
from masquerade.testing import SAME_PERSON, IdentityJudge

CHROMIUM = "/usr/bin/chromium"
PAGE = Path(__file__).parents[2] / "src/masquerade/apps/studio/page"
PATIENCE_S = 60.0
_FRAMES = 60
QUIET_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
# What Chromium itself says when a studio ends while a page is open.
_HARMLESS = re.compile(r"ERR_CONNECTION_REFUSED|WebSocket connection to")


def write_camera(path: Path) -> Path:
    """Two seconds of the puppet as Motion JPEG, which Chromium plays in a circle as its camera."""
    source, _donor = demo_source(seconds=_FRAMES / 30, rate=30)
    with path.open("wb") as file:
        for frame in source:
            done, jpeg = cv2.imencode(".jpg", frame.pixels, (cv2.IMWRITE_JPEG_QUALITY, 85))
            assert done
            file.write(jpeg.tobytes())
    return path


def write_film(path: Path, frames: int = _FRAMES) -> Path:
    """The same as a video file."""
    source, _donor = demo_source(seconds=frames / 30, rate=30)
    return _write_video(path, source, 30)


def _write_video(path: Path, source: PuppetSource, rate: int) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        (stream.width, stream.height), stream.pix_fmt = source.info.size_wh, "yuv420p"
        for frame in source:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame.pixels, "bgr24")))
        file.mux(stream.encode())
    return path


def write_pair(path: Path) -> Path:
    """A second of two heads beside each other, as a video file."""
    actors = tuple(
        Actor(name=f"head {x}", portrait=portrait, size=0.55, path=((0.0, x, 0.5),))
        for portrait, x in (("astronaut", 0.25), ("mona_lisa", 0.75))
    )
    source = PuppetSource([Scene(actors=actors, seconds=1)], size_wh=(640, 360), rate=15)
    return _write_video(path, source, 15)


def write_photo(name: Any, path: Path) -> Path:
    """A portrait of the public domain as a file."""
    with as_file(bundled_photo(name)) as found:
        path.write_bytes(found.read_bytes())
    return path


@dataclass
class StudioProcess:
    """A running ``masquerade studio``."""

    process: subprocess.Popen[str]
    link: str
    home: Path

    @property
    def root(self) -> str:
        return self.link.partition("/?")[0]

    @property
    def token(self) -> str:
        return self.link.partition("token=")[2]


@contextmanager
def studio_process(
    home: Path,
    port: int = 0,
    *options: str,
    token: str | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[StudioProcess]:
    """A studio that ends with the block; it must end in peace."""
    command = [sys.executable, "-m", "masquerade", "studio", "--port", str(port), *options]
    alone = {"MASQUERADE_HOME": str(home), "MASQUERADE_OFFLINE": "1"}
    environment = {**os.environ, **alone, **(environment or {})}
    if token:
        environment["MASQUERADE_STUDIO_TOKEN"] = token
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"https?://\S+token=\S+", line):
                yield StudioProcess(process, found[0], home)
                break
        else:
            pytest.fail(f"the studio did not start: {process.wait(5)}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def wait_until(what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Asks again and again: the page's policy forbids what Playwright would evaluate itself."""
    end_s = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.03)
    return found


@dataclass
class Visit:
    """A page of the studio in a browser context of its own."""

    page: Any
    studio: StudioProcess
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not _HARMLESS.search(message.text):
            self.complaints.append(message.text)

    def open(self, name: str = "live") -> Any:
        """Enter by the link, then go to one of the pages."""
        self.page.goto(self.studio.link)
        self.page.goto(f"{self.studio.root}/#/{name}")
        self.page.wait_for_selector(f"main.{name}-page:not([hidden])")
        self.page.wait_for_load_state("networkidle") if name == "library" else None
        return self.page

    def latency(self) -> dict[str, Any]:
        """What the page measures itself."""
        found: dict[str, Any] = self.page.evaluate("masquerade.latency()")
        return found

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Ask the interface with the cookie of this browser."""
        url = f"{self.studio.root}/api/v1{path}"
        answer = self.page.request.fetch(url, method=method, **options)
        assert answer.ok, (answer.status, answer.text())
        return answer.json() if answer.body() else None


def start(opened: Visit, source: str = "browser", donor: str = ".donor") -> Any:
    """Choose a donor and a source, press Live, and wait for the first picture."""
    page = opened.open()
    page.locator(f".live-page .shelf {donor}").first.click()
    page.locator(".source select").first.select_option(source)
    page.locator(".live-button").click()
    return running(opened)


def running(opened: Visit) -> Any:
    """The page, once it shows pictures of a stream."""
    page = opened.page
    page.wait_for_selector(".stage.live", timeout=60_000)
    wait_until(lambda: page.locator(".over-stage:not(.none)").count() == 0)
    return page


def picture(page: Any) -> NDArray[np.uint8]:
    """What the canvas shows, BGR, with what lies over it."""
    data = np.frombuffer(page.locator(".stage canvas").screenshot(), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[return-value]


def hue_of_face(page: Any) -> float:
    """Mean of red over blue in the middle of the picture, where the puppet's face is."""
    shown = picture(page)
    height, width = shown.shape[:2]
    middle = shown[int(0.35 * height) : int(0.6 * height), int(0.4 * width) : int(0.6 * width)]
    return float(middle[..., 2].mean() / middle[..., 0].mean())


def assert_shows(judge: IdentityJudge, page: Any, who: Path, *, not_at_all: Path) -> None:
    """The judge, who knows nothing of the swap, takes the face on the screen for the donor's."""
    donor, target = (judge.faces(cv2.imread(str(path)))[0] for path in (who, not_at_all))
    shots = [faces[0] for _ in range(5) if (faces := judge.faces(picture(page)))]
    assert len(shots) >= 3
    likeness = np.median([face.distance(donor) for face in shots])
    assert likeness < SAME_PERSON
    assert likeness < np.median([face.distance(target) for face in shots])


def enrol(studio: StudioProcess, photo: Path, name: str) -> str:
    """Put an identity on the shelf; its id."""
    headers = {"Authorization": f"Bearer {studio.token}"}
    with httpx.Client(base_url=f"{studio.root}/api/v1", headers=headers, timeout=60) as client:
        with photo.open("rb") as file:
            sent = client.post("/uploads", files={"file": file}).json()
        wanted = {"name": name, "uploads": [sent["id"]], "consent": "public-domain"}
        made: str = client.post("/identities", json=wanted).json()["id"]
    return made


def forget(studio: StudioProcess, identity: str) -> None:
    """Take an identity off the shelf."""
    headers = {"Authorization": f"Bearer {studio.token}"}
    url = f"{studio.root}/api/v1/identities/{identity}"
    assert httpx.delete(url, headers=headers, timeout=30).status_code == 204


Visitor = Callable[..., Visit]
"""Makes a visit; options are those of a browser context."""
