"""What a camera on Linux says of itself, asked by the ioctls of linux/videodev2.h."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["PictureFormat", "capture_formats", "is_capture_device"]

Ioctl = Callable[[int, int, bytearray], object]


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """One size and coding that a camera can send.

    Attributes:
        coding: the four letters of its pixel format, as MJPG or YUYV.
        size_wh: width and height in pixels; the largest of a range.
        rates: frames a second, fastest first; empty where it does not tell.
    """

    coding: str
    size_wh: tuple[int, int]
    rates: tuple[float, ...] = ()


# struct v4l2_capability: driver[16] card[32] bus_info[32] version capabilities device_caps
# reserved[3]
_CAPABILITY = struct.Struct("=16s32s32s3I3I")
# struct v4l2_fmtdesc: index type flags description[32] pixelformat mbus_code reserved[3]
_FORMAT = struct.Struct("=3I32s2I3I")
# struct v4l2_frmsizeenum: index pixel_format type, union of 6 numbers, reserved[2]
_SIZE = struct.Struct("=3I6I2I")
# struct v4l2_frmivalenum: index pixel_format width height type, union of 6 numbers, reserved[2]
_INTERVAL = struct.Struct("=5I6I2I")

_QUERY, _WRITE_READ = 2, 3
_CAPTURE, _CAPTURE_PLANES, _DEVICE_CAPS = 0x1, 0x1000, 0x8000_0000
_TYPE_CAPTURE, _DISCRETE = 1, 1
_MOST = 64


def _number(direction: int, letter: str, number: int, size: int) -> int:
    """The macro _IOC of asm-generic/ioctl.h."""
    return direction << 30 | size << 16 | ord(letter) << 8 | number


QUERYCAP = _number(_QUERY, "V", 0, _CAPABILITY.size)
ENUM_FMT = _number(_WRITE_READ, "V", 2, _FORMAT.size)
ENUM_FRAMESIZES = _number(_WRITE_READ, "V", 74, _SIZE.size)
ENUM_FRAMEINTERVALS = _number(_WRITE_READ, "V", 75, _INTERVAL.size)


def is_capture_device(path: str, ioctl: Ioctl | None = None) -> bool | None:
    """Whether a device sends pictures; metadata nodes and outputs do not.

    Returns:
        None where it cannot be asked (no permission, in use by one alone).
    """
    with _asking(path, ioctl) as ask:
        if ask is None:
            return None
        answer = ask(QUERYCAP, bytearray(_CAPABILITY.size))
        if answer is None:
            return False
        _, _, _, _, whole, own, *_ = _CAPABILITY.unpack(answer)
        capabilities = own if whole & _DEVICE_CAPS else whole
        return bool(capabilities & (_CAPTURE | _CAPTURE_PLANES))


def capture_formats(path: str, ioctl: Ioctl | None = None) -> list[PictureFormat]:
    """What a camera can send; empty where it cannot be asked."""
    found: list[PictureFormat] = []
    with _asking(path, ioctl) as ask:
        if ask is not None:
            for code in _codes(ask):
                found += _formats_of(ask, code)
    return found


_Ask = Callable[[int, bytearray], bytearray | None]


@contextlib.contextmanager
def _asking(path: str, ioctl: Ioctl | None) -> Iterator[_Ask | None]:
    """A function that makes an ioctl on a device; it returns None at the end of a list."""
    if sys.platform == "win32":
        yield None
        return
    import fcntl  # there is none on Windows

    call: Ioctl = fcntl.ioctl if ioctl is None else ioctl
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield None
        return

    def ask(number: int, block: bytearray) -> bytearray | None:
        try:
            call(handle, number, block)
        except OSError:
            return None
        return block

    try:
        yield ask
    finally:
        os.close(handle)


def _codes(ask: _Ask) -> Iterator[int]:
    for index in range(_MOST):
        block = bytearray(_FORMAT.pack(index, _TYPE_CAPTURE, 0, b"", 0, 0, 0, 0, 0))
        answer = ask(ENUM_FMT, block)
        if answer is None:
            return
        yield _FORMAT.unpack(answer)[4]


def _formats_of(ask: _Ask, code: int) -> Iterator[PictureFormat]:
    name = code.to_bytes(4, "little").decode("ascii", "replace").strip()
    for index in range(_MOST):
        answer = ask(ENUM_FRAMESIZES, bytearray(_SIZE.pack(index, code, *[0] * 9)))
        if answer is None:
            return
        _, _, kind, *numbers = _SIZE.unpack(answer)
        # A discrete size is width, height; a range is least, most, step of width and of height.
        size_wh = (numbers[0], numbers[1]) if kind == _DISCRETE else (numbers[1], numbers[4])
        yield PictureFormat(name, size_wh, tuple(_rates(ask, code, size_wh)))
        if kind != _DISCRETE:
            return


def _rates(ask: _Ask, code: int, size_wh: tuple[int, int]) -> list[float]:
    found = set()
    for index in range(_MOST):
        answer = ask(
            ENUM_FRAMEINTERVALS, bytearray(_INTERVAL.pack(index, code, *size_wh, *[0] * 9))
        )
        if answer is None:
            break
        *_, kind, above, below, _, _, _, _, _, _ = _INTERVAL.unpack(answer)
        if above:
            found.add(round(below / above, 2))
        if kind != _DISCRETE:
            break
    return sorted(found, reverse=True)
