"""masquerade cameras."""

from __future__ import annotations

import pytest

from masquerade.apps.commands import cameras
from masquerade.media.live.devices import Device
from masquerade.media.live.v4l2 import PictureFormat

BRIO = Device(
    "camera",
    2,
    "Logitech BRIO",
    "/dev/video2",
    (
        PictureFormat("MJPG", (1280, 720), (60.0, 30.0, 14.99)),
        PictureFormat("YUYV", (640, 480), ()),
    ),
)


@pytest.fixture
def machine(monkeypatch):
    """Sets what the machine has."""

    def has(*found, microphones=(), screens=()):
        monkeypatch.setattr(cameras, "list_cameras", lambda formats: list(found) if formats else [])
        monkeypatch.setattr(cameras, "list_microphones", lambda: list(microphones))
        monkeypatch.setattr(cameras, "list_screens", lambda: list(screens))

    return has


def test_this_machine_is_asked(run):
    done = run("cameras", "--json")
    assert done.code == 0, done.err
    assert {"cameras", "microphones", "screens"} <= done.json.keys()


def test_no_camera_is_no_error(run, machine):
    machine()
    done = run("cameras")
    assert done.code == 0
    for word in ("No camera", "puppet", "screen", "file", "rtsp://"):
        assert word in done.out
    assert run("cameras", "--json").json["cameras"] == []


def test_cameras_are_listed_with_formats(run, machine):
    plain = Device("camera", 4, "Old Camera", "/dev/video4")
    microphone = Device("microphone", 0, "BRIO USB Audio", "plughw:1,0")
    machine(BRIO, plain, microphones=[microphone], screens=[Device("screen", 0, "X :0", ":0")])
    lines = run("cameras").out.splitlines()
    assert lines[1].split() == ["2", "Logitech", "BRIO", "MJPG", "1280x720", "60", "30", "14.99"]
    assert lines[2].split() == ["YUYV", "640x480"]
    assert lines[3].split() == ["4", "Old", "Camera"]
    assert lines[5].split() == ["microphone", "name"]
    assert lines[-1].split() == ["screen", "X", ":0"]


def test_json_holds_everything(run, machine):
    machine(BRIO)
    (camera,) = run("cameras", "--json").json["cameras"]
    assert camera == {
        "index": 2,
        "name": "Logitech BRIO",
        "path": "/dev/video2",
        "formats": [
            {"format": "MJPG", "size": [1280, 720], "rates": [60.0, 30.0, 14.99]},
            {"format": "YUYV", "size": [640, 480], "rates": []},
        ],
    }
