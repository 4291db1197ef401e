"""Encoders set up for a live stream: no delay, and a key frame at set times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.codec.context import Flags
from av.video.frame import PictureType

from masquerade.core.errors import EncoderError
from masquerade.media.encoders import ENCODERS, Encoder, available_encoders, find_encoder
from masquerade.media.scheduling import usual_priority

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from masquerade.media.live_sinks.canvas import Canvas

__all__ = ["CLOCK", "Coding", "VideoTrack", "file_coding", "stream_coding"]

CLOCK = Fraction(1, 90_000)
"""Time base of the picture in every output."""

_FILE_KEY_S, _STREAM_KEY_S = 2.0, 1.0
_BITS_A_PIXEL = 0.12

# No frame waits for later ones: what was written is in the file a moment later.
_PROMPT: Mapping[str, dict[str, str]] = {
    "libx264": {"bf": "0", "rc-lookahead": "5", "x264-params": "sync-lookahead=0"},
    "libx265": {"x265-params": "log-level=error:bframes=0:rc-lookahead=5"},
    "libvpx-vp9": {"lag-in-frames": "0", "deadline": "realtime"},
    "libsvtav1": {"svtav1-params": "pred-struct=1:lookahead=0"},
}
_STREAMED: Mapping[str, dict[str, str]] = {
    "libx264": {"tune": "zerolatency"},
    "h264_nvenc": {"tune": "ull", "zerolatency": "1", "delay": "0", "forced-idr": "1"},
    "h264_qsv": {"async_depth": "1", "forced_idr": "1", "bf": "0"},
    "h264_amf": {"usage": "ultralowlatency", "forced_idr": "1"},
    "h264_videotoolbox": {"realtime": "1", "prio_speed": "1"},
}


@dataclass(frozen=True, slots=True)
class Coding:
    """How a picture is encoded.

    Attributes:
        encoder: which encoder.
        options: its own options.
        rate: frames a second that it is told.
        key_s: seconds from one key frame to the next.
        bitrate: bits a second; None leaves it to the quality.
    """

    encoder: Encoder
    options: Mapping[str, str]
    rate: Fraction
    key_s: float
    bitrate: int | None = None


def file_coding(
    name: str | None,
    container: str,
    *,
    quality: int,
    preset: str | None,
    rate: Fraction,
    bitrate: int | None,
) -> Coding:
    """How a recording is encoded.

    Raises:
        EncoderError: as find_encoder.
    """
    encoder = find_encoder(name, container)
    options = encoder.options(quality, preset or "veryfast") | _PROMPT.get(encoder.name, {})
    if bitrate is not None:
        options.pop("crf", None)
    return Coding(encoder, options, rate, _FILE_KEY_S, bitrate)


def stream_coding(
    name: str | None,
    size_wh: tuple[int, int],
    *,
    quality: int,
    preset: str | None,
    rate: Fraction,
    bitrate: int | None,
) -> Coding:
    """How a stream is encoded: H.264, which every receiver knows, under a bound of its bit rate.

    Raises:
        EncoderError: an encoder that is unknown, does not work here, or is not H.264.
    """
    encoder = find_encoder(name, "mp4")
    if encoder.family != "h264":
        fitting = [key for key in available_encoders() if ENCODERS[key].family == "h264"]
        raise EncoderError(
            f"{encoder.name} does not go into a stream; choose {' or '.join(fitting)}."
        )
    most = bitrate or max(300_000, round(_BITS_A_PIXEL * size_wh[0] * size_wh[1] * rate))
    options = encoder.options(min(quality, 99), preset or "ultrafast")
    options |= _STREAMED.get(encoder.name, {})
    options |= {"maxrate": str(most), "bufsize": str(most)}
    if bitrate is not None:
        options.pop("crf", None)
    return Coding(encoder, options, rate, _STREAM_KEY_S, bitrate)


class VideoTrack:
    """The picture's stream in an output.

    Args:
        output: the container; the stream is added to it and its encoder opened at once.
        coding: how to encode.
        canvas: gives size and colour.
        global_header: whether the parameter sets are to stand in ``extradata``; containers that
            need it so ask for it themselves.
    """

    def __init__(
        self,
        output: OutputContainer,
        coding: Coding,
        canvas: Canvas,
        *,
        global_header: bool = False,
    ) -> None:
        stream = output.add_stream(
            coding.encoder.name, rate=coding.rate, options=dict(coding.options)
        )
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height = canvas.size_wh
        context.pix_fmt = "yuv420p"
        stream.time_base = context.time_base = CLOCK
        context.gop_size = max(1, round(coding.rate * Fraction(coding.key_s)))
        context.flags |= Flags.frame_duration
        if global_header:
            context.flags |= Flags.global_header
        if coding.bitrate is not None:
            context.bit_rate = coding.bitrate
        canvas.tags.mark(context)
        if coding.encoder.family == "hevc" and output.format.name in ("mp4", "mov"):
            context.codec_tag = "hvc1"
        with usual_priority():
            context.open()
        self.stream: VideoStream = stream
        self._key = round(Fraction(coding.key_s) / CLOCK)
        self._duration = max(1, round(1 / coding.rate / CLOCK))
        self._last: int | None = None
        self._last_key: int | None = None

    def encode(self, picture: av.VideoFrame, at: int) -> list[Packet[VideoStream]]:
        """Packets of ``picture`` at ``at``, in CLOCK; none where time has not risen."""
        if self._last is not None and at <= self._last:
            return []
        self._last = at
        # Half a frame of leeway: times jitter, and a key frame one picture late is one late.
        due = self._last_key is None or at - self._last_key >= self._key - self._duration // 2
        picture.pts, picture.time_base, picture.duration = at, CLOCK, self._duration
        picture.pict_type = PictureType.I if due else PictureType.NONE
        if due:
            self._last_key = at
        return self.stream.encode(picture)

    def finish(self) -> list[Packet[VideoStream]]:
        """What the encoder still holds."""
        return [] if self._last is None else self.stream.encode(None)
