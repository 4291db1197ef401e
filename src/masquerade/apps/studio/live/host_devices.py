"""The host's cameras, microphones and virtual camera, under ids that say nothing of the host."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from masquerade.core.errors import ConsentError, DeviceError, VirtualCameraError
from masquerade.media.live.devices import Device, list_cameras, list_microphones
from masquerade.media.live_sinks.loopback import find_loopback

__all__ = ["HostDevices", "device_id"]


def device_id(device: Device) -> str:
    """The id by which clients know a device; the same for as long as it keeps its place."""
    text = f"{device.kind} {device.path} {device.name}"
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _has_virtual_camera() -> bool:
    if sys.platform != "linux":
        return importlib.util.find_spec("pyvirtualcam") is not None
    try:
        find_loopback()
    except VirtualCameraError:
        return False
    return True


class HostDevices:
    """What one client may use of the host.

    Args:
        allowed: whether the client may use anything at all.
        cameras, microphones: list what there is; a test gives its own.
        virtual_camera: whether there is one.
    """

    def __init__(
        self,
        *,
        allowed: bool,
        cameras: Callable[[], Sequence[Device]] = list_cameras,
        microphones: Callable[[], Sequence[Device]] = list_microphones,
        virtual_camera: Callable[[], bool] = _has_virtual_camera,
    ) -> None:
        self.allowed = allowed
        self._lists = {"camera": cameras, "microphone": microphones}
        self._virtual_camera = virtual_camera

    def listed(self, kind: str) -> list[tuple[str, str]]:
        """Id and name of each camera or microphone; empty where nothing is allowed."""
        return [(device_id(item), item.name) for item in self._devices(kind)]

    def has_virtual_camera(self) -> bool:
        """Whether pictures can go to a virtual camera of the host."""
        return self.allowed and self._virtual_camera()

    def spec(self, kind: str, wanted: str) -> str:
        """How the device with that id is opened.

        Raises:
            ConsentError: the client may use none of the host's devices.
            DeviceError: there is none with that id.
        """
        self.require()
        for device in self._devices(kind):
            if device_id(device) == wanted:
                return device.path if Path(device.path).exists() else str(device.index)
        raise DeviceError(f"That {kind} is gone; look up the list of devices again.")

    def require(self) -> None:
        """Refuse a client that may not use the host.

        Raises:
            ConsentError: it may not.
        """
        if not self.allowed:
            raise ConsentError(
                "Cameras and outputs of this machine are for browsers on it alone; start the "
                "studio with --allow-host-devices to lend them to others."
            )

    def _devices(self, kind: str) -> Sequence[Device]:
        if not self.allowed:
            return ()
        try:
            return self._lists[kind]()
        except DeviceError:
            return ()
