"""Pictures that were encoded elsewhere, decoded: JPEG, H.264 in Annex B form, decoded frames.

What comes may be damaged or made to harm. Sizes are checked before anything is decoded, one bad
picture is passed over, and what no picture can be made of for long ends in one clear error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import av
import av.error
import cv2
import numpy as np
from av.codec.context import Flags

from masquerade.core.errors import CorruptMediaError
from masquerade.media.colorimetry import BgrReader, ColorTags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.limits import MediaLimits

__all__ = ["Codec", "Decoder", "Pushed", "jpeg_size", "make_decoder"]

Codec = Literal["jpeg", "h264", "frames"]
"""``frames`` are decoded already, by WebRTC."""

_PATIENCE = 60  # pictures in a row that may be damaged: two seconds of a usual camera
_FRAME_START = {0xC0: True, 0xC1: True}  # baseline; a progressive one may cost seconds on purpose
_NOT_SIZES = (0xC4, 0xC8, 0xCC)


@dataclass(frozen=True, slots=True)
class Pushed:
    """One encoded picture as it came.

    Attributes:
        data: a whole JPEG, one access unit of H.264 in Annex B form, or a decoded frame.
        number: the sender's own number.
        stamp_ms: when the sender captured it, milliseconds of the sender's own clock.
        key: whether decoding can begin with it.
        arrived_s: when it came, seconds of ``time.perf_counter``.
    """

    data: bytes | av.VideoFrame
    number: int
    stamp_ms: float
    key: bool
    arrived_s: float


class Decoder(Protocol):
    """Decodes what has come since the last time."""

    needs_key: bool
    """Whether nothing can be shown until a picture comes with which decoding can begin."""

    def newest(self, pictures: Sequence[Pushed]) -> tuple[Pushed, NDArray[np.uint8]] | None:
        """The newest picture, uint8 (H, W, 3) BGR, and what it was made from; None without one.

        Raises:
            MediaLimitError: it is larger than the limit.
            CorruptMediaError: nothing has been fit to be decoded for long.
        """
        ...


def make_decoder(codec: Codec, limits: MediaLimits) -> Decoder:
    """The decoder of a codec; ``limits`` holds the largest picture."""
    if codec == "jpeg":
        return JpegDecoder(limits)
    return H264Decoder(limits) if codec == "h264" else FrameReader(limits)


class _Damage:
    """Counts pictures in a row that were of no use."""

    def __init__(self, what: str) -> None:
        self._what, self._count = what, 0

    def mended(self) -> None:
        self._count = 0

    def found(self) -> None:
        self._count += 1
        if self._count >= _PATIENCE:
            raise CorruptMediaError(
                f"The last {self._count} pictures are no {self._what} that can be decoded here; "
                "choose another way of sending them."
            )


class JpegDecoder:
    """Decodes the newest of several JPEGs by libjpeg-turbo, with its fast transform.

    OpenCV's takes 0.6 ms for 640x480, PyAV's with its conversion 0.7 ms.
    """

    needs_key = False

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._damage = _Damage("JPEG")

    def newest(self, pictures: Sequence[Pushed]) -> tuple[Pushed, NDArray[np.uint8]] | None:
        """See :class:`Decoder`."""
        for pushed in reversed(pictures):
            pixels = self._decode(pushed.data) if isinstance(pushed.data, bytes) else None
            if pixels is not None:
                self._damage.mended()
                return pushed, pixels
            self._damage.found()
        return None

    def _decode(self, data: bytes) -> NDArray[np.uint8] | None:
        size = jpeg_size(data)
        if size is None:
            return None
        self._limits.check_picture(*size, "A picture that was sent")
        try:
            pixels = cv2.imdecode(
                np.frombuffer(data, np.uint8),
                cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
            )
        except cv2.error:
            return None
        if pixels is None or pixels.shape[:2] != size[::-1]:
            return None
        return np.asarray(pixels, np.uint8)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that a baseline JPEG announces; None where it is none.

    >>> jpeg_size(b"GIF89a") is None
    True
    """
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_SIZES:
            height, width = (int.from_bytes(data[at + k : at + k + 2]) for k in (5, 7))
            return (width, height) if marker in _FRAME_START and width and height else None
        length = int.from_bytes(data[at + 2 : at + 4])
        if marker in (0xD9, 0xDA) or length < 2:
            return None
        at += 2 + length
    return None


class FrameReader:
    """Turns decoded frames into BGR pixels."""

    needs_key = False

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._reader: BgrReader | None = None
        self._kind: tuple[object, ...] = ()

    def newest(self, pictures: Sequence[Pushed]) -> tuple[Pushed, NDArray[np.uint8]] | None:
        """See :class:`Decoder`."""
        for pushed in reversed(pictures):
            if isinstance(pushed.data, av.VideoFrame):
                return pushed, self.pixels(pushed.data)
        return None

    def pixels(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """uint8 (H, W, 3) BGR, by the frame's own colour tags.

        Raises:
            MediaLimitError: it is larger than the limit.
            CorruptMediaError: its pixel format is not known here.
        """
        self._limits.check_picture(frame.width, frame.height, "A picture that was sent")
        tags = ColorTags.of(frame)
        kind = (tags, frame.format.name, frame.width, frame.height)
        try:
            if self._reader is None or kind != self._kind:
                self._reader, self._kind = BgrReader(tags, frame.format.name), kind
            return self._reader.read(frame)
        except av.error.FFmpegError as error:
            raise CorruptMediaError(
                f"Pictures of the kind {frame.format.name} cannot be shown here; "
                "choose another way of sending them."
            ) from error


class H264Decoder:
    """Decodes every access unit, in order, and shows the newest; nothing is held back.

    After damage it waits for the next key frame, since what lies between would show smears.
    """

    def __init__(self, limits: MediaLimits) -> None:
        self._limits = limits
        self._damage = _Damage("H.264")
        self._reader = FrameReader(limits)
        self._open()

    def _open(self) -> None:
        context = av.CodecContext.create("h264", "r")
        assert isinstance(context, av.VideoCodecContext)
        context.options = {"max_pixels": str(self._limits.max_pixels), "err_detect": "explode"}
        # Threads by frame would hold back as many frames as there are threads.
        context.thread_type = "SLICE"
        context.flags |= Flags.low_delay
        self._context: av.VideoCodecContext = context
        self.needs_key = True

    def newest(self, pictures: Sequence[Pushed]) -> tuple[Pushed, NDArray[np.uint8]] | None:
        """See :class:`Decoder`."""
        keys = [place for place, pushed in enumerate(pictures) if pushed.key]
        found: tuple[Pushed, av.VideoFrame] | None = None
        for pushed in pictures[keys[-1] if keys else 0 :]:
            if self.needs_key and not pushed.key:
                continue
            frame = self._decode(pushed)
            if frame is not None:
                found = pushed, frame
        return None if found is None else (found[0], self._reader.pixels(found[1]))

    def _decode(self, pushed: Pushed) -> av.VideoFrame | None:
        if not isinstance(pushed.data, bytes):
            return None
        if self.needs_key:
            self._open()  # what came before the damage must not be built upon
        try:
            frames = self._context.decode(av.Packet(pushed.data))
        except (av.error.FFmpegError, ValueError):
            frames = []
        if not frames:
            self._damage.found()
            self.needs_key = True
            return None
        self._damage.mended()
        self.needs_key = False
        return frames[-1]
