"""Cameras, screens and microphones: a real X server, and FFmpeg's generators as stand-ins."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import struct
import subprocess
import threading
import time
from pathlib import Path

import av.error
import numpy as np
import psutil
import pytest
from senders import udp_port, until
from source_contract import assert_live_source_contract, take

from masquerade.core.errors import DeviceError
from masquerade.media.live import Microphone, SourceOptions, device_input, devices, v4l2
from masquerade.media.live.capture import CaptureSource
from masquerade.media.live.device_input import DeviceInput, camera_input, microphone_input
from masquerade.media.live.devices import Device, choose_device, list_cameras, list_microphones
from masquerade.media.live.open import open_live_source
from masquerade.media.live.reader import Attempt
from masquerade.testing import no_leaked_threads


def generator(text: str) -> Attempt:
    """One of FFmpeg's generators, opened through the same door as a camera."""
    return Attempt(text, "lavfi")


def stand_in(*attempts: Attempt, label: str = "Camera Test") -> DeviceInput:
    return DeviceInput(label, lambda: attempts)


MOVING = "testsrc2=size=160x120:rate=25,realtime"


def test_contract():
    assert_live_source_contract(lambda: CaptureSource(stand_in(generator(MOVING)), SourceOptions()))


def test_the_first_way_that_opens_is_taken():
    ways = generator("nosuchsource=1"), generator(MOVING)
    with CaptureSource(stand_in(*ways), SourceOptions()) as source:
        assert source.info.size_wh == (160, 120)
        assert source.info.rate == 25


def test_a_camera_is_unplugged_and_plugged_in_again():
    """It ends, is missing for two looks, and comes back with another size and another path."""
    plugged = threading.Event()
    looks = itertools.count()

    def find():
        look = next(looks)
        if look == 0:
            return [generator("testsrc2=size=160x120:rate=25:duration=0.4,realtime")]
        if not plugged.is_set():
            raise DeviceError("There is no camera here.")
        return [generator("color=c=red:size=80x60:rate=25,realtime")]

    camera = DeviceInput("Camera Test", find)
    with no_leaked_threads(), CaptureSource(camera, SourceOptions()) as source:
        box: list = []
        reading = threading.Thread(target=lambda: box.extend(_until_other(source)))
        reading.start()
        assert until(lambda: "looking for it" in source.status)
        assert "Camera Test" in source.status
        plugged.set()
        reading.join(15)
        assert not reading.is_alive()
        assert source.status == ""
    assert [frame.seq for frame in box] == list(range(len(box)))
    assert {frame.size_wh for frame in box} == {(160, 120)}
    blue, green, red = box[-1].pixels[60, 80]
    assert red > 240
    assert blue + green < 30
    pause_s = max(b.captured_s - a.captured_s for a, b in itertools.pairwise(box))
    assert pause_s > 0.4


def _until_other(source):
    """Frames up to and with the third after a pause."""
    last_s, after = None, 0
    for frame in source:
        yield frame
        after += bool(after or (last_s is not None and frame.captured_s - last_s > 0.4))
        last_s = frame.captured_s
        if after == 3:
            return


def test_a_camera_that_gives_nothing():
    """Zero frames: one waits for ever, one ends before it has begun."""
    silent = Attempt(f"udp://127.0.0.1:{udp_port()}", "mpegts")
    empty = generator("testsrc2=size=160x120:rate=25:duration=0.001,select=0")
    with no_leaked_threads(), pytest.raises(DeviceError):
        CaptureSource(stand_in(empty), SourceOptions(open_s=3))
    begun_s = time.monotonic()
    with no_leaked_threads(), pytest.raises(DeviceError, match="gives nothing within 1 s"):
        CaptureSource(stand_in(silent), SourceOptions(open_s=1))
    assert time.monotonic() - begun_s < 3


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (av.error.OSError(errno.EBUSY, "Device or resource busy"), "in use"),
        (av.error.PermissionError(errno.EACCES, "Permission denied"), "group video"),
        (av.error.FileNotFoundError(errno.ENOENT, "No such file"), "not there"),
        (av.error.OSError(errno.ENODEV, "No such device"), "not there"),
        (av.error.ExitError(1, "Immediate exit requested"), "within 3 s"),
        (av.error.OSError(errno.EIO, "Input/output error"), "input/output error"),
    ],
)
def test_errors_are_one_sentence(error, words, monkeypatch):
    monkeypatch.setattr(device_input, "SYSTEM", "linux")
    told = str(stand_in().explain(error, 3.0))
    assert words in told
    assert told.startswith("Camera Test ")
    assert told.count(". ") == 0


@pytest.mark.parametrize(("system", "words"), [("darwin", "Privacy"), ("win32", "desktop apps")])
def test_refused_permission_names_the_setting(system, words, monkeypatch):
    monkeypatch.setattr(device_input, "SYSTEM", system)
    error = av.error.PermissionError(errno.EACCES, "Permission denied")
    assert words in str(stand_in().explain(error, 3.0))


# Which devices there are


CAMERAS = [
    Device("camera", 0, "HP TrueVision HD Camera: HP TrueVi", "/dev/video0"),
    Device("camera", 2, "Logitech BRIO", "/dev/video2"),
    Device("camera", 4, "Logitech C920", "/dev/video4"),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("0", 0), ("4", 4), ("brio", 2), ("Logitech C920", 4), ("/dev/video2", 2), ("truevision", 0)],
)
def test_a_device_is_chosen(wanted, index):
    assert choose_device(CAMERAS, wanted, "camera").index == index


def test_near_names_are_offered():
    with pytest.raises(DeviceError, match="Logitech BRIO"):
        choose_device(CAMERAS, "Logitec BRIOO", "camera")
    with pytest.raises(DeviceError, match="More than one"):
        choose_device(CAMERAS, "logitech", "camera")
    with pytest.raises(DeviceError, match="near are"):
        choose_device(CAMERAS, "7", "camera")
    with pytest.raises(DeviceError, match="puppet"):
        choose_device([], "0", "camera")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two nodes of one camera, and two cards of which one records."""
    monkeypatch.setattr(devices, "SYSTEM", "linux")
    monkeypatch.setattr(device_input, "SYSTEM", "linux")
    for node, name in (("video0", "BRIO"), ("video1", "BRIO"), ("video10", "Screen Grabber")):
        (tmp_path / "sys/class/video4linux" / node).mkdir(parents=True)
        (tmp_path / "sys/class/video4linux" / node / "name").write_text(f"{name}\n")
    asound = tmp_path / "proc/asound"
    asound.mkdir(parents=True)
    (asound / "pcm").write_text(
        "00-03: HDMI 0 : HDMI 0 : playback 1\n"
        "01-00: USB Audio : USB Audio : playback 1 : capture 1\n"
    )
    (asound / "card1").mkdir()
    (asound / "card1/id").write_text("BRIO\n")
    answers = {"/dev/video0": True, "/dev/video1": False, "/dev/video10": None}
    monkeypatch.setattr(devices, "is_capture_device", answers.__getitem__)
    return tmp_path


def test_cameras_of_linux(machine):
    found = list_cameras(sys_root=machine / "sys")
    assert [(item.index, item.name, item.path) for item in found] == [
        (0, "BRIO", "/dev/video0"),
        (10, "Screen Grabber", "/dev/video10"),
    ]


def test_microphones_of_linux(machine):
    (found,) = list_microphones(proc_root=machine / "proc")
    assert (found.index, found.name, found.path) == (0, "BRIO USB Audio", "plughw:1,0")


@pytest.mark.parametrize(
    ("system", "format_name", "first"),
    [
        ("linux", "v4l2", {"video_size": "1280x720", "framerate": "30", "input_format": "mjpeg"}),
        ("darwin", "avfoundation", {"video_size": "1280x720", "framerate": "30"}),
        ("win32", "dshow", {"video_size": "1280x720", "framerate": "30", "vcodec": "mjpeg"}),
    ],
)
def test_a_camera_is_asked_for_size_and_rate(system, format_name, first, monkeypatch):
    monkeypatch.setattr(device_input, "SYSTEM", system)
    monkeypatch.setattr(device_input, "list_cameras", lambda: CAMERAS)
    attempts = camera_input("brio", SourceOptions()).attempts()
    assert attempts[0].format == format_name
    assert first.items() <= attempts[0].options.items()
    assert "video_size" not in attempts[-1].options
    turned = camera_input("brio", SourceOptions(size_wh=(480, 640), rotate=90, rate=15))
    asked = turned.attempts()[0].options
    assert (asked["video_size"], asked["framerate"]) == ("640x480", "15")


def test_a_camera_is_found_again_by_name(monkeypatch):
    monkeypatch.setattr(device_input, "SYSTEM", "linux")
    monkeypatch.setattr(device_input, "list_cameras", lambda: CAMERAS)
    found = camera_input("2", SourceOptions())
    moved = [Device("camera", 6, "Logitech BRIO", "/dev/video6")]
    monkeypatch.setattr(device_input, "list_cameras", lambda: moved)
    assert found.attempts()[0].url == "/dev/video6"
    monkeypatch.setattr(device_input, "list_cameras", list)
    with pytest.raises(DeviceError):
        found.attempts()


# What a camera says of itself


class FakeCamera:
    """Answers the ioctls of a camera with two sizes of MJPG and a range of YUYV."""

    SIZES = ((1280, 720), (640, 480))
    RATES = ((1, 30), (1001, 15000))

    def __init__(self, capabilities: int = 0x1) -> None:
        self.capabilities = capabilities

    def __call__(self, _handle: int, number: int, block: bytearray) -> None:
        (index,) = struct.unpack_from("=I", block)
        if number == 0x80685600:
            struct.pack_into("=16s32s32s3I", block, 0, b"uvc", b"BRIO", b"usb", 1,
                             0x84A00001, self.capabilities)  # fmt: skip
        elif number == 0xC0405602:
            self._need(index < 2)
            struct.pack_into("=4s", block, 44, [b"MJPG", b"YUYV"][index])
        elif number == 0xC02C564A:
            if block[4:8] == b"YUYV":
                self._need(index == 0)
                struct.pack_into("=7I", block, 8, 3, 32, 1920, 2, 16, 1080, 2)
            else:
                self._need(index < 2)
                struct.pack_into("=3I", block, 8, 1, *self.SIZES[index])
        elif number == 0xC034564B:
            self._need(index < 2)
            struct.pack_into("=3I", block, 16, 1, *self.RATES[index])
        else:
            raise AssertionError(hex(number))

    @staticmethod
    def _need(there: bool) -> None:
        if not there:
            raise OSError(errno.EINVAL, "Invalid argument")


def test_formats_are_read_as_the_kernel_writes_them():
    rates = (30.0, 14.99)
    assert v4l2.capture_formats(os.devnull, FakeCamera()) == [
        v4l2.PictureFormat("MJPG", (1280, 720), rates),
        v4l2.PictureFormat("MJPG", (640, 480), rates),
        v4l2.PictureFormat("YUYV", (1920, 1080), rates),
    ]


def test_metadata_nodes_are_no_cameras():
    assert v4l2.is_capture_device(os.devnull, FakeCamera(0x1)) is True
    assert v4l2.is_capture_device(os.devnull, FakeCamera(0x800000)) is False
    assert v4l2.is_capture_device(os.devnull) is False  # no camera at all: it knows no ioctl
    assert v4l2.is_capture_device("/dev/nothing") is None


# Screens


@pytest.fixture(scope="module")
def display(tmp_path_factory):
    """A real X server of 320x240, half red and half white."""
    if not (shutil.which("Xvfb") and shutil.which("ffmpeg")):
        pytest.skip("Xvfb is missing")
    ready, writes = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writes),
        "-screen",
        "0",
        "320x240x24",
        "-noreset",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL)
    os.close(writes)
    try:
        with os.fdopen(ready) as answer:
            number = answer.readline().strip()
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def painted(display, monkeypatch):
    """The display with a picture on it, drawn by another program."""
    if not shutil.which("display"):
        pytest.skip("ImageMagick is missing")
    monkeypatch.setenv("DISPLAY", display)
    # It says 1 even where it has drawn; the tests look at what is there.
    subprocess.run(
        ["display", "-size", "320x240", "-window", "root", "gradient:#ff0000-#0000ff"],
        env={**os.environ, "DISPLAY": display}, timeout=20, check=False,
    )  # fmt: skip
    return display


def test_a_screen_is_seen(painted):
    with open_live_source("screen") as source:
        assert source.info.size_wh == (320, 240)
        picture = take(source, 3)[-1].pixels
    top, middle, bottom = (picture[row, 100].astype(int) for row in (1, 120, 238))
    assert np.abs(top - (0, 0, 255)).max() <= 4
    assert np.abs(middle - (127, 0, 127)).max() <= 4
    assert np.abs(bottom - (255, 0, 0)).max() <= 4


def test_a_region_of_a_screen(painted):
    with open_live_source("screen:0", SourceOptions(crop=(10, 100, 101, 41))) as source:
        region = take(source, 2)[-1].pixels
        assert source.info.size_wh == (101, 41)
    with open_live_source("screen") as source:
        whole = take(source, 2)[-1].pixels
    np.testing.assert_array_equal(region, whole[100:141, 10:111])


def test_screen_contract(display, monkeypatch):
    monkeypatch.setenv("DISPLAY", display)
    assert_live_source_contract(lambda: open_live_source("screen", SourceOptions(rate=50)))


@pytest.mark.parametrize("spec", ["screen", "screen:7", "screen:left"])
def test_screens_that_are_not_there(spec, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":4791")
    with no_leaked_threads(), pytest.raises(DeviceError):
        open_live_source(spec, SourceOptions(open_s=3))


@pytest.mark.skipif(not Path("/proc").exists(), reason="Linux alone")
@pytest.mark.parametrize("session", ["x11", "wayland"])
def test_no_screen_at_all(session, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if session == "wayland":
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    with pytest.raises(DeviceError, match="Wayland" if session == "wayland" else "X11"):
        open_live_source("screen")


# Microphones

TONE = Attempt("sine=frequency=440:sample_rate=44100:samples_per_frame=441,arealtime", "lavfi")


def _listen(microphone, tap, seconds):
    heard = []
    assert until(lambda: heard.extend(tap.take(1e9)) or _length_s(heard) > seconds)
    return heard


def _length_s(heard):
    return sum(part.samples for part in heard) / 48_000


def test_a_microphone_is_heard_on_the_clock_of_the_pictures():
    origin_s = time.perf_counter() - 5.0
    with (
        no_leaked_threads(),
        Microphone(stand_in(TONE, label="Microphone Test"), lambda: origin_s) as microphone,
        microphone.tap() as tap,
    ):
        begun_s = time.perf_counter() - origin_s
        heard = [part for part in _listen(microphone, tap, 6.0) if part.pts > 4.9 * 48_000]
        assert microphone.status == ""
        assert "masquerade-microphone" in [thread.name for thread in threading.enumerate()]
        ended_s = time.perf_counter() - origin_s
    samples = np.concatenate([part.to_ndarray()[0] for part in heard])
    loud = np.flatnonzero(np.abs(samples) > 0.02)[0] / 48_000 + heard[0].pts / 48_000
    assert begun_s - 1.5 < loud < begun_s + 0.5
    assert heard[-1].pts / 48_000 < ended_s + 0.1
    part = samples[-9600:]
    peak = np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * 5
    assert abs(peak - 440) <= 10


def test_nothing_is_kept_before_the_first_picture():
    with (
        Microphone(stand_in(TONE), lambda: None) as microphone,
        microphone.tap() as tap,
    ):
        time.sleep(0.1)  # sound comes all the while
        assert tap.take(1e9) == []


def test_a_microphone_is_unplugged_and_plugged_in_again():
    tones = iter(
        [Attempt("sine=frequency=440:duration=0.3:samples_per_frame=441,arealtime", "lavfi"), TONE]
    )
    source = DeviceInput("Microphone Test", lambda: [next(tones)], "microphone")
    origin_s = time.perf_counter()
    with no_leaked_threads(), Microphone(source, lambda: origin_s) as microphone:
        tap = microphone.tap()
        assert until(lambda: "opening again" in microphone.status)
        assert until(lambda: microphone.status == "")
        heard = _listen(microphone, tap, 1.0)
    for before, after in itertools.pairwise(heard):
        assert after.pts == before.pts + before.samples
    samples = np.concatenate([part.to_ndarray()[0] for part in heard])
    silent = np.abs(samples[: len(samples) // 240 * 240].reshape(-1, 240)).max(axis=1) < 1e-4
    assert 0.3 < silent.sum() * 240 / 48_000 < 1.5


def test_microphones_that_are_not_there(machine, monkeypatch):
    monkeypatch.setattr(device_input, "list_microphones", list)
    for name in ("default", "0", "BRIO"):
        with pytest.raises(DeviceError, match="no microphone"):
            microphone_input(name)
    found = list_microphones(proc_root=machine / "proc")
    monkeypatch.setattr(device_input, "list_microphones", lambda: found)
    with pytest.raises(DeviceError, match="BRIO USB Audio"):
        microphone_input("Bio")
    assert [item.url for item in microphone_input("default").attempts()] == [
        "default",
        "plughw:1,0",
    ]
    assert microphone_input("usb").attempts()[0].url == "plughw:1,0"
    with no_leaked_threads(), pytest.raises(DeviceError):
        Microphone("usb", lambda: None, open_s=3)


def test_a_microphone_without_sound():
    with pytest.raises(DeviceError, match="no sound"):
        Microphone(stand_in(generator(MOVING)), lambda: None)


def test_thirty_rounds_leave_nothing():
    process = psutil.Process()
    for number in range(30):
        with (
            CaptureSource(stand_in(generator(MOVING)), SourceOptions()) as source,
            Microphone(stand_in(TONE), lambda: source.origin_s),
        ):
            take(source, 1)
        if number == 2:
            before = process.num_fds(), threading.active_count()
    assert (process.num_fds(), threading.active_count()) == before
