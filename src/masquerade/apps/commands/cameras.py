"""``masquerade cameras``: the cameras, microphones and screens of this machine."""

from __future__ import annotations

import argparse
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.table import table
from masquerade.media.live.devices import Device, list_cameras, list_microphones, list_screens

__all__ = ["run"]

_MOST_RATES = 4


def run(_args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """List what there is; where there is no camera, say what can be used in its place."""
    cameras = list_cameras(formats=True)
    microphones, screens = list_microphones(), list_screens()
    if cameras:
        console.say(table(("camera", "name", "format", "size", "rates"), _rows(cameras)))
    else:
        console.say("No camera is here.")
        console.say(
            "Plug one in, or use --camera with puppet, screen, a video file or an address "
            "(rtsp://, rtmp://, http://, udp://, tcp://)."
        )
    if microphones:
        rows = [(str(device.index), device.name) for device in microphones]
        console.say("")
        console.say(table(("microphone", "name"), rows))
    if screens:
        rows = [("screen" if not k else f"screen:{k}", s.name) for k, s in enumerate(screens)]
        console.say("")
        console.say(table(("screen", "name"), rows))
    return {
        "cameras": [_camera(device) for device in cameras],
        "microphones": [{"index": item.index, "name": item.name} for item in microphones],
        "screens": [{"index": item.index, "name": item.name} for item in screens],
    }


def _rows(cameras: list[Device]) -> list[tuple[str, ...]]:
    """A row for each format; index and name stand on the first alone."""
    rows: list[tuple[str, ...]] = []
    for device in cameras:
        begun = len(rows)
        for item in device.formats:
            rates = " ".join(f"{rate:g}" for rate in item.rates[:_MOST_RATES])
            size = f"{item.size_wh[0]}x{item.size_wh[1]}"
            head = (str(device.index), device.name) if len(rows) == begun else ("", "")
            rows.append((*head, item.coding, size, rates))
        if not device.formats:
            rows.append((str(device.index), device.name, "", "", ""))
    return rows


def _camera(device: Device) -> dict[str, Any]:
    return {
        "index": device.index,
        "name": device.name,
        "path": device.path,
        "formats": [
            {"format": item.coding, "size": list(item.size_wh), "rates": list(item.rates)}
            for item in device.formats
        ],
    }
