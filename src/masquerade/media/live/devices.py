"""Which cameras, microphones and screens this machine has."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import av.error

from masquerade.core.errors import DeviceError
from masquerade.media.live.v4l2 import PictureFormat, capture_formats, is_capture_device

__all__ = [
    "SYSTEM",
    "Device",
    "DeviceKind",
    "choose_device",
    "list_cameras",
    "list_microphones",
    "list_screens",
    "no_device",
]

SYSTEM: str = sys.platform
"""linux, darwin (macOS) or win32."""

DeviceKind = Literal["camera", "microphone", "screen"]


@dataclass(frozen=True, slots=True)
class Device:
    """Something that gives pictures or sound.

    Attributes:
        kind: camera, microphone or screen.
        index: the number by which it can be chosen.
        name: what its maker or the system calls it.
        path: FFmpeg's name of it.
        formats: what a camera can send; empty where the system does not tell.
    """

    kind: DeviceKind
    index: int
    name: str
    path: str
    formats: tuple[PictureFormat, ...] = ()


# Only Linux was tried with this code, and there without a camera: on macOS and Windows the lists
# are FFmpeg's own, whose formats of lines were taken from its documentation.


def list_cameras(*, formats: bool = False, sys_root: Path = Path("/sys")) -> list[Device]:
    """The cameras, by index. On Linux the index is that of ``/dev/video``.

    Args:
        formats: ask each for its formats as well (Linux alone tells).
        sys_root: where the kernel shows its devices; a test gives its own.
    """
    if SYSTEM == "linux":
        return _linux_cameras(formats, sys_root)
    return _listed("avfoundation" if SYSTEM == "darwin" else "dshow", "camera", "video")


def list_microphones(*, proc_root: Path = Path("/proc")) -> list[Device]:
    """The microphones, by index."""
    if SYSTEM == "linux":
        return _linux_microphones(proc_root)
    return _listed("avfoundation" if SYSTEM == "darwin" else "dshow", "microphone", "audio")


def list_screens() -> list[Device]:
    """The screens that can be read."""
    if SYSTEM == "linux":
        display = os.environ.get("DISPLAY", "")
        return [Device("screen", 0, f"X display {display}", display)] if display else []
    if SYSTEM == "darwin":
        found = [
            device
            for device in _listed("avfoundation", "screen", "video", screens=True)
            if device.name.startswith("Capture screen")
        ]
        return [Device("screen", k, item.name, item.path) for k, item in enumerate(found)]
    return [Device("screen", 0, "desktop", "desktop")]


def choose_device(devices: Sequence[Device], wanted: str, kind: DeviceKind) -> Device:
    """The device with this index, this name, or a name that holds this.

    Raises:
        DeviceError: there is none at all, none of that name (the nearest names are told), or
            several.
    """
    if not devices:
        raise no_device(kind)
    if wanted.isdecimal():
        for device in devices:
            if device.index == int(wanted):
                return device
    folded = wanted.casefold()
    exact = [device for device in devices if folded in (device.name.casefold(), device.path)]
    if exact:
        return exact[0]
    parts = [device for device in devices if folded in device.name.casefold()]
    if len({device.name for device in parts}) > 1:
        several = ", ".join(f"{device.index} ({device.name})" for device in parts)
        raise DeviceError(f"More than one {kind} is called {wanted}: {several}; give the number.")
    if parts:
        return parts[0]
    names = {device.name.casefold(): device for device in devices}
    near = difflib.get_close_matches(folded, names, cutoff=0.3) or list(names)
    offered = ", ".join(f"{names[name].index} ({names[name].name})" for name in near[:3])
    raise DeviceError(f"There is no {kind} called {wanted}; near are {offered}.")


def no_device(kind: DeviceKind) -> DeviceError:
    """There is none of this kind: one sentence, and one on how to go on."""
    if kind == "microphone":
        return DeviceError("There is no microphone here; plug one in, or leave --microphone out.")
    if kind == "screen":
        return DeviceError(
            "There is no screen that can be read here; log in to a graphical (X11) session, or "
            "choose another --camera."
        )
    return DeviceError(
        "There is no camera here; plug one in, or use --camera with puppet, screen, a video file "
        "or an address."
    )


def _linux_cameras(formats: bool, sys_root: Path) -> list[Device]:
    found = []
    for entry in (sys_root / "class/video4linux").glob("video*"):
        index = re.fullmatch(r"video(\d+)", entry.name)
        path = f"/dev/{entry.name}"
        if index is None or is_capture_device(path) is False:
            continue
        known = tuple(capture_formats(path)) if formats else ()
        found.append(Device("camera", int(index[1]), _text(entry / "name") or path, path, known))
    return sorted(found, key=lambda device: device.index)


def _linux_microphones(proc_root: Path) -> list[Device]:
    """Of lines like ``00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1``."""
    found: list[Device] = []
    for line in _text(proc_root / "asound/pcm").splitlines():
        place = re.match(r"(\d+)-(\d+):\s*([^:]*)", line)
        if place and "capture" in line:
            card, number = int(place[1]), int(place[2])
            maker = _text(proc_root / f"asound/card{card}/id")
            name = " ".join(part for part in (maker, place[3].strip()) if part)
            found.append(Device("microphone", len(found), name, f"plughw:{card},{number}"))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _listed(
    format_name: str, kind: DeviceKind, medium: str, *, screens: bool = False
) -> list[Device]:
    try:
        infos = av.enumerate_input_devices(format_name)
    except (ValueError, OSError, av.error.FFmpegError):
        return []
    wanted = [
        info
        for info in infos
        if (not info.media_types or medium in info.media_types)
        and info.description.startswith("Capture screen") == screens
    ]
    return [
        Device(kind, number, info.description or info.name, info.description or info.name)
        for number, info in enumerate(wanted)
    ]
