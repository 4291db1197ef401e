"""The virtual camera.

No machine of the tests has a loopback device. Three stand-ins take its place: a plain file that
answers a device's ioctls through a small library that is compiled here, so that FFmpeg's v4l2
muxer and our search for devices run as they are; the same bytes written to a file by FFmpeg's
``rawvideo`` muxer; and a pyvirtualcam with the interface of the real one.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from receivers import INFO, SIZE, coded, frame, number_of, open_descriptors, until

from masquerade.core.errors import VirtualCameraError
from masquerade.core.protocols import Sink, SourceInfo
from masquerade.media.live_sinks import virtual_camera
from masquerade.media.live_sinks.loopback import LoopbackCamera, find_loopback
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.virtual_camera import VirtualCameraSink, hold_card
from masquerade.testing import no_leaked_threads


class Shown:
    """A camera that keeps what it shows, with the time."""

    name = "shown"

    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []
        self.times: list[float] = []
        self.closed = 0
        self.gone = False

    def send(self, pixels: np.ndarray) -> None:
        if self.gone:
            raise VirtualCameraError("The camera is gone; start again.")
        self.pictures.append(pixels.copy())
        self.times.append(time.monotonic())

    def close(self) -> None:
        self.closed += 1


def numbers(camera: Shown) -> list[int]:
    return [number_of(pixels) for pixels in camera.pictures]


def test_a_card_first_then_the_newest_frame_again_and_again() -> None:
    camera = Shown()
    with no_leaked_threads():
        sink = VirtualCameraSink(None, INFO, SinkOptions(), camera=camera)
        assert isinstance(sink, Sink)
        until(lambda: len(camera.pictures) >= 3)
        card = hold_card(SIZE)
        assert (camera.pictures[0] == card).all()
        assert card.std() > 5, "nothing is written on the card"
        picture = frame(77)
        sink.write(picture)
        until(lambda: numbers(camera)[-3:] == [77] * 3)
        sink.write(frame(78))
        until(lambda: numbers(camera)[-2:] == [78] * 2)
        sink.commit()
        sink.abort()
    assert camera.closed


def test_every_frame_is_shown_and_held_at_the_rate() -> None:
    camera = Shown()
    sink = VirtualCameraSink(None, INFO, SinkOptions(rate=Fraction(20)), camera=camera)
    clock, begin = threading.Event(), time.monotonic()
    for number in range(1, 11):
        clock.wait(max(0.0, begin + number / 20 - time.monotonic()))
        sink.write(frame(number))
        until(lambda number=number: numbers(camera)[-1:] == [number])
    count = len(camera.pictures)
    until(lambda: len(camera.pictures) >= count + 20)
    held = np.diff(camera.times[count : count + 20])
    sink.commit()
    assert set(range(1, 11)) <= set(numbers(camera)[1:])
    assert abs(np.median(held) - 1 / 20) < 0.02


def test_one_size_whatever_comes() -> None:
    camera = Shown()
    info = SourceInfo((321, 241), None, None, None, live=True)
    sink = VirtualCameraSink(None, info, SinkOptions(), camera=camera)
    assert sink.size_wh == (320, 240)
    assert "320x240" in sink.notices[0]
    for number, size in ((5, (640, 480)), (6, (160, 120)), (7, SIZE)):
        sink.write(frame(number, size=size))
        until(lambda number=number: numbers(camera)[-1:] == [number])
    sink.write(frame(1, size=(100, 400)))
    until(lambda: camera.pictures[-1][:, :60].max() == 0)
    sink.commit()
    assert {pixels.shape for pixels in camera.pictures} == {(240, 320, 3)}


def test_another_size_by_request() -> None:
    camera = Shown()
    options = SinkOptions(camera_size_wh=(640, 360))
    sink = VirtualCameraSink(None, INFO, options, camera=camera)
    sink.write(frame(3))
    until(lambda: camera.pictures[-1][:, :80].max() == 0)  # black beside it
    sink.commit()
    assert camera.pictures[-1].shape == (360, 640, 3)
    assert number_of(camera.pictures[-1][:, 80:560]) == 3


def test_a_camera_that_goes_ends_the_sink() -> None:
    camera = Shown()
    with no_leaked_threads():
        sink = VirtualCameraSink(None, INFO, SinkOptions(), camera=camera)
        camera.gone = True
        with pytest.raises(VirtualCameraError, match="gone"):
            until(lambda: sink.write(frame(1)))
        sink.abort()


def test_a_camera_that_hangs_does_not_hang_the_program() -> None:
    camera, let_go = Shown(), threading.Event()
    camera.send = lambda pixels: let_go.wait(20)
    with no_leaked_threads():
        sink = VirtualCameraSink(None, INFO, SinkOptions(), camera=camera)
        begin = time.monotonic()
        sink.write(frame(1))
        sink.abort()
        assert time.monotonic() - begin < 4
        assert not camera.closed
        let_go.set()


# FFmpeg's muxer, into a plain file


def yuv_pictures(data: bytes, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    width, height = size
    planes = np.frombuffer(data, np.uint8).reshape(-1, height * 3 // 2, width)
    return [cv2.cvtColor(item, cv2.COLOR_YUV2BGR_I420) for item in planes]


def test_the_bytes_that_are_written(tmp_path: Path) -> None:
    path = tmp_path / "device"
    camera = LoopbackCamera(path, SIZE, Fraction(30), muxer="rawvideo")
    for number in (1, 500, 65535):
        camera.send(coded(number))
    camera.close()
    camera.close()
    shown = yuv_pictures(path.read_bytes())
    assert [number_of(item) for item in shown] == [1, 500, 65535]
    # The bars are wide, so that halving the chroma changes them at their edges alone.
    off = np.abs(shown[1].astype(int) - coded(500)).max(-1)
    assert np.median(off) <= 3
    assert (off > 12).mean() < 0.06


# The whole way, through a device that is a file


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("v4l2") / "stand_in.so"
    source = Path(__file__).with_name("v4l2_stand_in.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


WRITER = """
import sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from receivers import INFO, frame
from masquerade.core.errors import VirtualCameraError
from masquerade.media.live_sinks import loopback, virtual_camera
from masquerade.media.live_sinks.options import SinkOptions
root = Path(sys.argv[1])
loopback._SYSFS = root / "sys"
virtual_camera.find_loopback = lambda: loopback.find_loopback(root / "sys", root / "dev")
device = sys.argv[3] or None
try:
    sink = virtual_camera.VirtualCameraSink(device, INFO, SinkOptions())
except VirtualCameraError as error:
    sys.exit(f"refused: {error}")
shown = Path(sink.notices[0].split()[4].rstrip(","))
for number in (11, 12):
    sink.write(frame(number))
    size = shown.stat().st_size
    while shown.stat().st_size < size + 2 * 115200:
        threading.Event().wait(0.01)
sink.commit()
print(sink.notices[0])
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with a webcam, a loopback device and one with our label, as sysfs lists them."""
    (tmp_path / "dev").mkdir()
    for name, label in (("video0", "Webcam"), ("video9", "Dummy"), ("video10", "Masquerade")):
        (tmp_path / "sys" / name).mkdir(parents=True)
        (tmp_path / "sys" / name / "name").write_text(f"{label}\n")
        kind = "plain" if name == "video0" else "dev"
        (tmp_path / "dev" / name).touch() if kind == "dev" else None
    return tmp_path


def written(machine: Path, library: Path, device: str = "", **environment: str):
    command = [sys.executable, "-c", WRITER, str(machine), str(Path(__file__).parent), device]
    extra = {"LD_PRELOAD": str(library), "FAKE_V4L2": "/dev/video", **environment}
    return subprocess.run(
        command, env=os.environ | extra, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_device_is_found_and_gets_the_pictures(machine: Path, stand_in: Path) -> None:
    done = written(machine, stand_in)
    assert done.returncode == 0, done.stderr
    assert "video10, 320x240" in done.stdout
    assert "format 320x240 115200" in done.stderr
    shown = [number_of(item) for item in yuv_pictures((machine / "dev/video10").read_bytes())]
    assert set(shown) >= {11, 12}
    after = shown[shown.index(11) :]
    assert after == sorted(after)
    assert not (machine / "dev/video9").read_bytes()


def test_a_device_by_name(machine: Path, stand_in: Path) -> None:
    done = written(machine, stand_in, str(machine / "dev/video9"))
    assert done.returncode == 0, done.stderr
    assert (machine / "dev/video9").stat().st_size >= 4 * 115200


def test_a_device_in_use(machine: Path, stand_in: Path) -> None:
    done = written(machine, stand_in, FAKE_V4L2_BUSY="1")
    assert "video10 is in use by another program" in done.stderr
    assert "refused" in done.stderr


def test_only_webcams(machine: Path, stand_in: Path) -> None:
    done = written(machine, stand_in, FAKE_V4L2_CAPS="0x1")
    assert "There is no virtual camera on this machine" in done.stderr
    assert "modprobe v4l2loopback" in done.stderr


# What is missing


def test_no_device_at_all(tmp_path: Path) -> None:
    with pytest.raises(VirtualCameraError, match="v4l2loopback-dkms"):
        find_loopback(tmp_path / "nothing")
    (tmp_path / "sys/video0").mkdir(parents=True)
    (tmp_path / "sys/video0/name").write_text("a file\n")
    (tmp_path / "video0").touch()
    before = open_descriptors()
    with pytest.raises(VirtualCameraError, match="no virtual camera on this machine"):
        find_loopback(tmp_path / "sys", tmp_path)
    with pytest.raises(VirtualCameraError, match="There is no virtual camera"):
        LoopbackCamera(tmp_path / "none", SIZE, Fraction(30))
    with pytest.raises(VirtualCameraError, match="takes no pictures"):
        LoopbackCamera(tmp_path / "video0", SIZE, Fraction(30))
    assert open_descriptors() == before


# Windows and macOS: pyvirtualcam


def fake_pyvirtualcam(fail: str | None = None) -> tuple[types.ModuleType, list]:
    """A module with the part of pyvirtualcam's interface that is used."""
    made: list = []

    class Camera:
        def __init__(
            self, width: int, height: int, fps: float, *, fmt: object, device: str | None
        ) -> None:
            if fail:
                raise RuntimeError(fail)
            self.size, self.fps, self.fmt = (width, height), fps, fmt
            self.device = device or "OBS Virtual Camera"
            self.sent: list[np.ndarray] = []
            self.closed = False
            made.append(self)

        def send(self, pixels: np.ndarray) -> None:
            if pixels.shape != (self.size[1], self.size[0], 3) or pixels.dtype != np.uint8:
                raise ValueError("unexpected frame")
            self.sent.append(pixels.copy())

        def close(self) -> None:
            self.closed = True

    module = types.ModuleType("pyvirtualcam")
    module.Camera = Camera
    module.PixelFormat = types.SimpleNamespace(BGR="bgr")
    return module, made


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list]:
    def install(fail: str | None = None) -> list:
        module, made = fake_pyvirtualcam(fail)
        monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
        return made

    monkeypatch.setattr(virtual_camera.platform, "system", lambda: "Windows")
    return install


def test_the_camera_of_obs(elsewhere: Callable[..., list]) -> None:
    made = elsewhere()
    sink = VirtualCameraSink(None, INFO, SinkOptions())
    sink.write(frame(9))
    until(lambda: made[0].sent and number_of(made[0].sent[-1]) == 9)
    sink.commit()
    assert made[0].closed
    assert (made[0].size, made[0].fps, made[0].fmt) == (SIZE, 30.0, "bgr")
    assert "OBS Virtual Camera" in sink.notices[0]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("'obs' backend: OBS Virtual Camera device not found!", "install OBS Studio"),
        ("'obs' backend: virtual camera output could not be started", "is in use"),
    ],
)
def test_no_camera_of_obs(elsewhere: Callable[..., list], said: str, told: str) -> None:
    elsewhere(said)
    with no_leaked_threads(), pytest.raises(VirtualCameraError, match=told):
        VirtualCameraSink(None, INFO, SinkOptions())


def test_the_package_is_missing(
    elsewhere: Callable[..., list], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(VirtualCameraError, match=r"masquerade\[virtual-camera\]"):
        VirtualCameraSink(None, INFO, SinkOptions())


@pytest.mark.skipif(platform.system() != "Linux", reason="asks for the device of Linux")
def test_this_machine_as_it_is() -> None:
    if Path("/sys/class/video4linux").exists():
        pytest.skip("there are devices here")
    with no_leaked_threads(), pytest.raises(VirtualCameraError, match="modprobe"):
        VirtualCameraSink(None, INFO, SinkOptions())
    with pytest.raises(VirtualCameraError, match="no virtual camera /dev/video99"):
        VirtualCameraSink("/dev/video99", INFO, SinkOptions())
