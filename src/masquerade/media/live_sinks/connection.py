"""One connection to a receiver: opened, fed, and closed once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import av
import av.error

from masquerade.core.errors import StreamError
from masquerade.core.lifetimes import Closing
from masquerade.media.live_sinks.programme import TITLE, Programme
from masquerade.media.live_sinks.rtmp import RtmpPublisher
from masquerade.media.live_sinks.rtsp import RtpChannel, RtspRecorder, describe
from masquerade.media.live_sinks.wire import Datagrams, Wire

if TYPE_CHECKING:
    import threading

    from av.container import OutputContainer

    from masquerade.core.disclosure import Disclosure
    from masquerade.media.live_sinks.address import Address
    from masquerade.media.live_sinks.canvas import Canvas
    from masquerade.media.live_sinks.encoding import Coding

__all__ = ["Connection", "StreamPlan"]

_PATIENCE_S = 0.5
_STALL_S = 4.0
_RTP_PACKET_BYTES = 1400


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What is the same for every connection of a stream.

    Attributes:
        address: where to.
        coding: how the picture is encoded.
        canvas: its size and colour.
        sound: whether there is sound.
        disclosure: written as far as the format has room: into FLV as a whole.
    """

    address: Address
    coding: Coding
    canvas: Canvas
    sound: bool
    disclosure: Disclosure | None


class _Closeable(Protocol):
    def close(self) -> None: ...


class Connection(Closing):
    """Connects, and then sends picture and sound; encoders are new, so it begins with a key frame.

    Args:
        plan: what is sent, and where to.
        stop: ends every wait at once.
        connect_s: how long it may take until the receiver is ready.

    Raises:
        StreamError: nobody is there, or the stream is refused.
    """

    def __init__(self, plan: StreamPlan, stop: threading.Event, connect_s: float) -> None:
        self._plan = plan
        self._outputs: list[OutputContainer] = []
        self._to_close: list[_Closeable] = []
        self._datagrams: Datagrams | None = None
        self._started = False
        try:
            self._programme = self._open(stop, connect_s)
        except BaseException:
            self.close()
            raise

    @property
    def unheard(self) -> bool:
        """The machine at the other end says that nobody listens there (UDP alone)."""
        return self._datagrams is not None and self._datagrams.unheard

    def write(
        self,
        picture: av.VideoFrame,
        seconds: Fraction,
        sound: Sequence[av.AudioFrame],
        origin_s: Fraction,
    ) -> None:
        """Send one picture and the sound before it, as Programme.write.

        Raises:
            StreamError: the receiver is gone.
        """
        if not self._started:
            self._start(seconds - origin_s)
        self._programme.write(picture, seconds, sound, origin_s)

    def _start(self, seconds: Fraction) -> None:
        """Send what comes before the first picture, whose time is ``seconds``.

        RTP's reports, which receivers put picture and sound together by, count from one moment
        of the wall clock for both: that of time 0.
        """
        zero_us = round((Fraction(time.time()) - seconds) * 1_000_000)
        for output in self._outputs:
            output.container_options["start_time_realtime"] = str(zero_us)
            output.start_encoding()
        self._started = True

    def finish(self) -> None:
        """Send the rest.

        Raises:
            StreamError: the receiver is gone.
        """
        self._programme.finish()
        for output in self._outputs:
            output.close()

    def close(self) -> None:
        """Release everything; may be called twice."""
        for item in [*self._outputs, *reversed(self._to_close)]:
            with contextlib.suppress(StreamError, av.error.FFmpegError, OSError, ValueError):
                item.close()
        self._outputs.clear()
        self._to_close.clear()

    # Opening

    def _open(self, stop: threading.Event, connect_s: float) -> Programme:
        address = self._plan.address
        if address.scheme == "udp":
            self._datagrams = Datagrams(address)
            self._to_close.append(self._datagrams)
            return self._open_transport_stream(self._datagrams)
        wire = Wire(address, stop, connect_s=connect_s, stall_s=_STALL_S)
        self._to_close.append(wire)
        if address.scheme == "tcp":
            programme = self._open_transport_stream(_WireFile(wire))
        elif address.scheme == "rtsp":
            programme = self._open_rtsp(wire)
        else:
            programme = self._open_rtmp(wire)
        wire.connected()
        return programme

    def _open_transport_stream(self, file: Datagrams | _WireFile) -> Programme:
        options = {"mpegts_flags": "resend_headers", "pat_period": "0.2", "sdt_period": "0.5"}
        output = self._add_output(file, "mpegts", options)
        output.metadata.update(service_name=TITLE, service_provider="Masquerade")
        return self._begin(output, output)

    def _open_rtmp(self, wire: Wire) -> Programme:
        publisher = RtmpPublisher(wire, self._plan.address)
        self._to_close.append(publisher)
        # The size of a stream without end stands nowhere.
        output = self._add_output(publisher, "flv", {"flvflags": "no_duration_filesize"})
        if self._plan.disclosure:
            output.metadata.update(self._plan.disclosure.tags)
        return self._begin(output, output)

    def _open_rtsp(self, wire: Wire) -> Programme:
        recorder = RtspRecorder(wire, self._plan.address)
        outputs = []
        for number in range(1 + self._plan.sound):
            channel = RtpChannel(wire, number)
            options = {"payload_type": str(channel.payload_type)}
            outputs.append(self._add_output(channel, "rtp", options, _RTP_PACKET_BYTES))
        programme = self._begin(outputs[0], outputs[-1], global_header=True)
        header = programme.video.stream.codec_context.extradata or b""
        sound = programme.sound.stream.codec_context.extradata if programme.sound else None
        recorder.record(describe(TITLE, header, sound), len(outputs))
        self._to_close.append(recorder)
        return programme

    def _add_output(
        self,
        file: Datagrams | _WireFile | RtmpPublisher | RtpChannel,
        container: str,
        options: dict[str, str],
        buffer_size: int = 32768,
    ) -> OutputContainer:
        delta = str(round(_PATIENCE_S * 1_000_000))
        output = av.open(
            file,
            "w",
            format=container,
            container_options=options | {"flush_packets": "1", "max_interleave_delta": delta},
            buffer_size=buffer_size,
        )
        self._outputs.append(output)
        return output

    def _begin(
        self, picture: OutputContainer, sound: OutputContainer, *, global_header: bool = False
    ) -> Programme:
        programme = Programme(
            picture,
            sound,
            self._plan.coding,
            self._plan.canvas,
            sound_codec="aac" if self._plan.sound else None,
            patience_s=_PATIENCE_S,
            global_header=global_header,
        )
        if programme.sound is not None:
            programme.sound.stream.codec_context.open()
        return programme


class _WireFile:
    """A file at whose other end is a TCP connection."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def write(self, data: bytes) -> int:
        self._wire.waiting()
        self._wire.send(data)
        return len(data)
