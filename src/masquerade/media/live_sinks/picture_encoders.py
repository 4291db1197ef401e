"""Encoders of single pictures that leave at once: JPEG, and H.264 without any delay."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol

import av
import av.error
import cv2
from av.video.frame import PictureType

from masquerade.core.errors import EncoderError
from masquerade.media.live_sinks.canvas import Canvas
from masquerade.media.live_sinks.encoding import CLOCK, stream_coding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PictureCodec", "PictureEncoder", "encode_jpeg", "make_encoder"]

PictureCodec = Literal["jpeg", "h264", "none"]
"""``none`` encodes nothing: the picture itself goes another way."""

_KEY_S = 10  # a receiver that has missed something asks for a key frame before that
_ONE_THREAD_PIXELS = 1280 * 720


class PictureEncoder(Protocol):
    """Turns pictures of one size into bytes, one by one."""

    def encode(self, pixels: NDArray[np.uint8], *, key: bool) -> tuple[bytes, bool]:
        """The picture as bytes, and whether decoding can begin with it.

        Args:
            pixels: uint8 (H, W, 3) BGR.
            key: decoding must be able to begin with it.

        Raises:
            EncoderError: the encoder failed.
        """
        ...


def make_encoder(
    codec: PictureCodec, size_wh: tuple[int, int], quality: int, rate: Fraction
) -> PictureEncoder:
    """An encoder.

    Args:
        codec: of the pictures.
        size_wh: their width and height in pixels.
        quality: 1 to 100.
        rate: frames a second, about.

    Raises:
        EncoderError: there is no H.264 here.
    """
    if codec == "h264":
        return _H264(size_wh, quality, rate)
    return _Jpeg(quality) if codec == "jpeg" else _Nothing()


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """A picture as a JPEG, by OpenCV: 0.5 ms for 640x480, a third of what PyAV's takes.

    Args:
        pixels: uint8 (H, W, 3) BGR.
        quality: 1 to 100.

    Raises:
        EncoderError: it cannot be encoded: more than 65535 pixels a side.
    """
    try:
        fine, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error:
        fine = False
    if not fine:
        raise EncoderError("The picture cannot become a JPEG; choose a smaller size.")
    return data.tobytes()


class _Jpeg:
    def __init__(self, quality: int) -> None:
        self._quality = quality

    def encode(self, pixels: NDArray[np.uint8], *, key: bool) -> tuple[bytes, bool]:  # noqa: ARG002
        return encode_jpeg(pixels, self._quality), True


class _Nothing:
    def encode(self, pixels: NDArray[np.uint8], *, key: bool) -> tuple[bytes, bool]:  # noqa: ARG002
        return b"", True


class _H264:
    """H.264 in Annex B form, parameter sets before each key frame, one picture in, one out."""

    def __init__(self, size_wh: tuple[int, int], quality: int, rate: Fraction) -> None:
        self._canvas = Canvas(size_wh)
        self._step = max(1, round(1 / rate / CLOCK))
        self._at = -self._step
        coding = stream_coding(None, size_wh, quality=quality, preset=None, rate=rate, bitrate=None)
        try:
            context = av.CodecContext.create(coding.encoder.name, "w")
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height = self._canvas.size_wh
            context.pix_fmt = "yuv420p"
            context.time_base, context.framerate = CLOCK, rate
            context.gop_size = max(1, round(rate * _KEY_S))
            small = size_wh[0] * size_wh[1] <= _ONE_THREAD_PIXELS
            context.thread_count = 1 if small else 0
            context.options = dict(coding.options)
            self._canvas.tags.mark(context)
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise EncoderError(
                f"{coding.encoder.name} cannot be opened for {size_wh[0]}x{size_wh[1]} "
                f"({error}); choose JPEG."
            ) from error
        self._context: av.VideoCodecContext = context

    def encode(self, pixels: NDArray[np.uint8], *, key: bool) -> tuple[bytes, bool]:
        picture = self._canvas.draw(pixels)
        self._at += self._step
        picture.pts, picture.time_base = self._at, CLOCK
        picture.pict_type = PictureType.I if key else PictureType.NONE
        try:
            packets = self._context.encode(picture)
        except av.error.FFmpegError as error:
            raise EncoderError(f"H.264 failed ({error}); choose JPEG.") from error
        if not packets:
            raise EncoderError("H.264 holds pictures back here; choose JPEG.")
        return b"".join(bytes(packet) for packet in packets), any(p.is_keyframe for p in packets)
