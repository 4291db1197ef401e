"""The virtual camera of Linux: a v4l2loopback device."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from masquerade.core.errors import VirtualCameraError
from masquerade.media.live_sinks.canvas import Canvas

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LoopbackCamera", "find_loopback"]

_QUERYCAP = 0x8068_5600  # VIDIOC_QUERYCAP of linux/videodev2.h: _IOR('V', 0, 104 bytes)
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_OUTPUT, _DEVICE_CAPS = 0x2, 0x8000_0000
_SYSFS = Path("/sys/class/video4linux")
_INSTALL = (
    "install one with `apt install v4l2loopback-dkms && modprobe v4l2loopback exclusive_caps=1 "
    "card_label=Masquerade`"
)


def find_loopback(sysfs: Path = _SYSFS, devices: Path = Path("/dev")) -> Path:
    """The device to write to: one labelled Masquerade, else the first that takes pictures.

    Raises:
        VirtualCameraError: there is none; how to install it is said.
    """
    names = {
        devices / item.parent.name: item.read_text(errors="replace").strip()
        for item in sorted(sysfs.glob("video*/name"), key=_number)
    }
    taking = [device for device in names if _takes_pictures(device)]
    if not taking:
        raise VirtualCameraError(f"There is no virtual camera on this machine; {_INSTALL}.")
    ours = [device for device in taking if "masquerade" in names[device].lower()]
    return (ours or taking)[0]


def _number(name: Path) -> int:
    digits = re.sub(r"\D", "", name.parent.name)
    return int(digits) if digits else 0


def _takes_pictures(device: Path) -> bool:
    try:
        return bool(_capabilities(device) & _OUTPUT)
    except OSError:
        return False


def _capabilities(device: Path) -> int:
    """What a device can do, as flags. Raises OSError."""
    import fcntl  # not on Windows, where this is never called

    handle = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        answer = fcntl.ioctl(handle, _QUERYCAP, bytes(_CAPABILITY.size))
    finally:
        os.close(handle)
    of_all, of_device = _CAPABILITY.unpack(answer)[4:]
    return int(of_device if of_all & _DEVICE_CAPS else of_all)


class LoopbackCamera:
    """Writes pictures of one size to a device, as yuv420p, through FFmpeg's ``v4l2`` muxer.

    Args:
        device: such as ``/dev/video10``.
        size_wh: width and height in pixels, even.
        rate: frames a second that programs are told.
        muxer: FFmpeg's name of it; ``rawvideo`` writes the same bytes to a file.

    Attributes:
        name: of the device.

    Raises:
        VirtualCameraError: it is missing, takes no pictures, or another program holds it.
    """

    def __init__(
        self, device: Path, size_wh: tuple[int, int], rate: Fraction, *, muxer: str = "v4l2"
    ) -> None:
        self.name = str(device)
        self._canvas = Canvas(size_wh)
        self._count = 0
        with self._mapped():
            # FFmpeg leaves a device open that it cannot use, so it is not given one.
            if muxer == "v4l2" and not _capabilities(device) & _OUTPUT:
                raise OSError(errno.EINVAL, "no output")
            self._output = av.open(self.name, "w", format=muxer)
            try:
                stream = self._output.add_stream("rawvideo", rate=rate)
                assert isinstance(stream, av.VideoStream)
                context = stream.codec_context
                context.width, context.height = self._canvas.size_wh
                context.pix_fmt = "yuv420p"
                stream.time_base = context.time_base = 1 / rate
                self._stream = stream
                self._output.start_encoding()
            except BaseException:
                self._output.close()
                raise

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture, uint8 (H, W, 3) BGR of the camera's size.

        Raises:
            VirtualCameraError: the device is gone.
        """
        with self._mapped():
            picture = self._canvas.draw(pixels)
            picture.pts, picture.time_base = self._count, self._stream.time_base
            self._count += 1
            self._output.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Release the device; may be called twice."""
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
            self._output.close()

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except VirtualCameraError:
            raise
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise VirtualCameraError(self._reason(error)) from error

    def _reason(self, error: BaseException) -> str:
        match getattr(error, "errno", None):
            case errno.EBUSY:
                return f"{self.name} is in use by another program; close that or name another one."
            case errno.ENOENT | errno.ENODEV | errno.ENXIO:
                return f"There is no virtual camera {self.name}; {_INSTALL}."
            case errno.EACCES | errno.EPERM:
                return f"{self.name} may not be opened; join the group `video` and sign in again."
            case errno.ENOTTY | errno.EINVAL:
                return f"{self.name} takes no pictures, it is no virtual camera; {_INSTALL}."
        return f"{self.name} does not work as a virtual camera ({error}); {_INSTALL}."
