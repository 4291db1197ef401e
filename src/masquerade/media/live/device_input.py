"""Cameras, screens and microphones, as inputs that can be opened again and again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av.error

from masquerade.core.errors import DeviceError, InputError
from masquerade.media.live.devices import (
    SYSTEM,
    Device,
    DeviceKind,
    choose_device,
    list_cameras,
    list_microphones,
    list_screens,
    no_device,
)
from masquerade.media.live.reader import Attempt

if TYPE_CHECKING:
    from masquerade.media.live.options import SourceOptions

__all__ = [
    "DeviceInput",
    "camera_input",
    "microphone_input",
    "screen_crops_by_itself",
    "screen_input",
]

_USUAL_SIZE, _USUAL_RATE = (1280, 720), 30
_LARGE_HEIGHT = 720


@dataclass(frozen=True, slots=True)
class DeviceInput:
    """A device, for a Reader.

    Attributes:
        label: what it is called in messages.
        find: looks for it anew and says how to open it; raises DeviceError where it is missing.
        kind: camera, microphone or screen.
    """

    label: str
    find: Callable[[], Sequence[Attempt]]
    kind: DeviceKind = "camera"

    def attempts(self) -> Sequence[Attempt]:
        """How to open it now, best first."""
        return self.find()

    def paced(self, _format_name: str, _duration: int | None) -> bool:
        """Never: it sends what is."""
        return False

    def ends(self, _format_name: str, _duration: int | None) -> bool:
        """Never: it may be plugged in again."""
        return False

    def without_picture(self, what: str) -> InputError:
        """One sentence: it sends something else than a picture."""
        return DeviceError(f"{self.label} sends {what}; choose another (`masquerade cameras`).")

    def explain(self, error: Exception, waited_s: float) -> InputError:
        """One sentence about what FFmpeg raised."""
        if isinstance(error, InputError):
            return error
        code = getattr(error, "errno", None)
        if isinstance(error, av.error.ExitError | TimeoutError):
            return DeviceError(
                f"{self.label} gives nothing within {waited_s:.0f} s; unplug it and plug it in "
                "again, or choose another."
            )
        if code == errno.EBUSY:
            return DeviceError(
                f"{self.label} is in use by another program; close that one or choose another."
            )
        if isinstance(error, PermissionError) or code in (errno.EPERM, errno.EACCES):
            return DeviceError(f"{self.label} may not be used; {_permission(self.kind)}.")
        if isinstance(error, FileNotFoundError) or code in (errno.ENODEV, errno.ENXIO):
            return DeviceError(
                f"{self.label} is not there; plug it in, or choose another (`masquerade cameras`)."
            )
        reason = str(getattr(error, "strerror", None) or error).rstrip(".").lower()
        return DeviceError(
            f"{self.label} cannot be opened ({reason}); close other programs that use it, or "
            "choose another (`masquerade cameras`)."
        )


def _permission(kind: DeviceKind) -> str:
    if SYSTEM == "darwin":
        pane = {"camera": "Camera", "microphone": "Microphone", "screen": "Screen Recording"}[kind]
        return f"allow the terminal under System Settings > Privacy & Security > {pane}"
    if SYSTEM == "win32":
        return f"allow desktop apps under Settings > Privacy & security > {kind.capitalize()}"
    if kind == "screen":
        return "allow this user to connect to the X display (DISPLAY, XAUTHORITY)"
    group = "video" if kind == "camera" else "audio"
    return f"add yourself to the group {group} (sudo usermod -aG {group} $USER) and log in again"


def camera_input(wanted: str, options: SourceOptions) -> DeviceInput:
    """A camera by index, name, part of a name, or device path.

    Raises:
        DeviceError: there is none, none like that, or several.
    """
    if wanted.startswith("/dev/"):
        device = Device("camera", -1, wanted, wanted)
        return DeviceInput(f"Camera {wanted}", lambda: _camera_attempts(device, options))
    name = choose_device(list_cameras(), wanted, "camera").name
    seen = [device.name for device in list_cameras()].count(name)
    # Plugged in again a camera may have another index, so it is looked for by its name.
    again = wanted if wanted.isdecimal() and seen > 1 else name

    def find() -> Sequence[Attempt]:
        return _camera_attempts(choose_device(list_cameras(), again, "camera"), options)

    return DeviceInput(f"Camera {name}", find)


def _camera_attempts(device: Device, options: SourceOptions) -> list[Attempt]:
    """From what is best to what the device does by itself; the first that opens is taken."""
    width, height = options.device_size_wh or _USUAL_SIZE
    size = {"video_size": f"{width}x{height}"}
    rate = {"framerate": str(options.rate or _USUAL_RATE)}
    if SYSTEM == "darwin":
        layouts = [{"pixel_format": "nv12"}, {"pixel_format": "uyvy422"}, {}]
        sizes = [{**size, **rate}, rate, {}]
        choices = [{**first, **second} for first in sizes for second in layouts]
        return [Attempt(f"{device.path}:none", "avfoundation", choice) for choice in choices]
    if SYSTEM == "win32":
        buffer = {"rtbufsize": "64M"}
        coded = {"vcodec": "mjpeg"}
        choices = [size | rate | coded, size | rate, size, {}]
        return [Attempt(f"video={device.path}", "dshow", buffer | choice) for choice in choices]
    # Over USB 2 raw pictures of this size come at 10 frames a second.
    coded = {"input_format": "mjpeg"} if height >= _LARGE_HEIGHT else {}
    choices = [size | rate | coded, size | rate, size, {}]
    return [Attempt(device.path, "v4l2", choice) for choice in choices]


def screen_input(wanted: str, options: SourceOptions) -> DeviceInput:
    """A screen by number, with a region if a crop is asked for.

    Raises:
        DeviceError: there is no such screen.
    """
    number = wanted or "0"
    if not number.isdecimal():
        raise DeviceError(f"screen:{wanted} is no screen; give screen, or screen:1.")
    if SYSTEM == "linux":
        if not list_screens():
            raise _no_display()
        return DeviceInput(f"Screen {number}", lambda: _x11_attempts(number, options), "screen")
    device = choose_device(list_screens(), number, "screen")
    if SYSTEM == "darwin":
        rate = {"framerate": str(options.rate or _USUAL_RATE), "capture_cursor": "1"}
        attempt = Attempt(f"{device.path}:none", "avfoundation", rate)
    else:
        attempt = Attempt("desktop", "gdigrab", _region(options, "offset_x", "offset_y"))
    return DeviceInput(f"Screen {number}", lambda: [attempt], "screen")


def screen_crops_by_itself() -> bool:
    """Whether a screen is read by region, so that the picture need not be cropped."""
    return SYSTEM != "darwin"


def _no_display() -> DeviceError:
    if os.environ.get("WAYLAND_DISPLAY"):
        return DeviceError(
            "Wayland lets no program read the screen without asking; log in to an X11 session, or "
            "choose another --camera."
        )
    return no_device("screen")


def _x11_attempts(number: str, options: SourceOptions) -> list[Attempt]:
    display = os.environ.get("DISPLAY", "")
    server = display.rpartition(".")[0] if "." in display.rpartition(":")[2] else display
    name = f"{server}.{number}" if number != "0" else display
    return [Attempt(name, "x11grab", _region(options, "grab_x", "grab_y"))]


def _region(options: SourceOptions, x_name: str, y_name: str) -> dict[str, str]:
    asked = {"framerate": str(options.rate or _USUAL_RATE)}
    if options.crop is not None:
        x, y, width, height = options.crop
        asked |= {x_name: str(x), y_name: str(y), "video_size": f"{width}x{height}"}
    return asked


def microphone_input(wanted: str) -> DeviceInput:
    """A microphone by index, name, part of a name, or ``default``.

    Raises:
        DeviceError: there is none, none like that, or several.
    """
    if SYSTEM == "linux":
        return _alsa_input(wanted)
    format_name = "avfoundation" if SYSTEM == "darwin" else "dshow"
    prefix = ":" if SYSTEM == "darwin" else "audio="
    name = "0" if wanted == "default" else wanted
    device = choose_device(list_microphones(), name, "microphone")
    attempt = Attempt(f"{prefix}{device.path}", format_name)
    return DeviceInput(f"Microphone {device.name}", lambda: [attempt], "microphone")


def _alsa_input(wanted: str) -> DeviceInput:
    if wanted == "default":
        # The system's choice first; where ALSA has no such name, the first that records.
        first = choose_device(list_microphones(), "0", "microphone")
        names = ["default", first.path]
        return DeviceInput(
            "The default microphone", lambda: [Attempt(n, "alsa") for n in names], "microphone"
        )
    name = choose_device(list_microphones(), wanted, "microphone").name

    def find() -> Sequence[Attempt]:
        return [Attempt(choose_device(list_microphones(), name, "microphone").path, "alsa")]

    return DeviceInput(f"Microphone {name}", find, "microphone")
