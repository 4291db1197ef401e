"""Pictures to and from one browser by WebRTC (aiortc, in software: VP8 or H.264).

For networks that lose packets: a WebSocket waits for what was lost, this does not. Nobody else
is asked for help: no STUN server is called, so one of the two sides must be reachable.

Three things about aiortc 1.16 are mended here. Its encoders stop at 1.5 Mbit/s (VP8), which a
browser answers by sending smaller pictures; its queues grow where a reader is slow; and it asks
a public STUN server unless it is told not to.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import av
import av.error
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.codecs import h264, vpx
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, MediaStreamError
from aiortc.sdp import candidate_from_sdp

from masquerade.core.errors import InputError
from masquerade.core.lifetimes import Committing
from masquerade.media.live_sinks.canvas import Canvas

if TYPE_CHECKING:
    from aiortc.mediastreams import MediaStreamTrack

    from masquerade.core.frame import Frame

__all__ = ["WebRtcPeer", "WebRtcSink"]

_LEAST_BITS, _FIRST_BITS, _MOST_BITS = 500_000, 2_500_000, 8_000_000
_REFUSED = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, OSError,
    RuntimeError, StopIteration, InternalError, InvalidAccessError, InvalidStateError,
    OperationError,
)  # fmt: skip
"""What aiortc raises where a description makes no sense (found by damaging real ones)."""


class WebRtcPeer:
    """The connection to one browser. Everything but its sink is for the loop's thread.

    Args:
        size_wh: width and height of the pictures that are sent.
        on_frame: called with every decoded picture of the browser and its time in milliseconds.
        on_end: called once when the connection is lost.
    """

    def __init__(
        self,
        size_wh: tuple[int, int],
        on_frame: Callable[[av.VideoFrame, float], None],
        on_end: Callable[[], None],
    ) -> None:
        codecs: tuple[Any, ...] = (vpx, h264)
        for codec in codecs:
            codec.MIN_BITRATE, codec.MAX_BITRATE = _LEAST_BITS, _MOST_BITS
            codec.DEFAULT_BITRATE = _FIRST_BITS
        self._on_frame, self._on_end = on_frame, on_end
        self._track = _NewestTrack()
        self.sink = WebRtcSink(size_wh, asyncio.get_running_loop(), self._track)
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("track", self._receive_from)
        self._connection.on("connectionstatechange", self._changed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False

    async def answer(self, offer_sdp: str) -> str:
        """Take a browser's offer; what to answer, with all addresses of this side.

        Raises:
            InputError: the offer makes no sense, or has no video.
        """
        connection = self._connection
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer_sdp, "offer"))
            videos = [item for item in connection.getTransceivers() if item.kind == "video"]
            if not videos:
                raise ValueError("no video")
            connection.addTrack(self._track)
            await connection.setLocalDescription(await connection.createAnswer())
        except _REFUSED as error:
            await self.close()
            raise InputError(
                f"The WebRTC offer cannot be taken ({type(error).__name__}); offer video to send "
                "and to receive, in VP8 or H.264."
            ) from error
        return _with_bitrates(connection.localDescription.sdp)

    async def add_candidate(self, text: str, mid: str | None, line: int | None) -> None:
        """Learn of an address of the browser.

        Raises:
            InputError: it is none.
        """
        try:
            candidate = candidate_from_sdp(text.removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = mid, line
            await self._connection.addIceCandidate(candidate)
        except _REFUSED as error:
            raise InputError(
                "A WebRTC candidate makes no sense; send those that the browser gives."
            ) from error

    async def close(self) -> None:
        """End the connection; may be called twice."""
        self._over = True
        self._track.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()

    def _receive_from(self, track: MediaStreamTrack) -> None:
        receive = self._watch(track) if track.kind == "video" else _drain(track)
        self._spawn(receive)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, track: MediaStreamTrack) -> None:
        # Whatever comes is handed on at once, so that aiortc's own queue stays empty.
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self._on_frame(frame, 1000 * (frame.time or 0.0))

    def _changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed") and not self._over:
            self._over = True
            self._on_end()


class WebRtcSink(Committing):
    """Gives a peer the newest frame. Made by :class:`WebRtcPeer`."""

    status = ""

    def __init__(
        self, size_wh: tuple[int, int], loop: asyncio.AbstractEventLoop, track: _NewestTrack
    ) -> None:
        self._canvas, self._loop, self._track = Canvas(size_wh), loop, track

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told."""
        return self._canvas.notices

    def write(self, frame: Frame) -> None:
        """Leave a frame; one that nobody took is forgotten."""
        picture = self._canvas.draw(frame.pixels)
        self._in_loop(self._track.leave, picture, frame.seq)

    def take_back(self, seq: int) -> None:
        """Show nothing any more of the frames up to ``seq``."""
        self._in_loop(self._track.take_back, seq)

    def commit(self) -> None:
        """Nothing is to be finished."""

    def abort(self) -> None:
        """Nothing is to be removed."""

    def _in_loop(self, call: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call, *args)


class _NewestTrack(VideoStreamTrack):
    """A track with one place: the newest picture takes it."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()
        self._picture: tuple[int, av.VideoFrame] | None = None
        self._taken_back = -1
        self._begun_s = time.perf_counter()

    def leave(self, picture: av.VideoFrame, seq: int) -> None:
        if seq > self._taken_back:
            self._picture = seq, picture
            self._news.set()

    def take_back(self, seq: int) -> None:
        self._taken_back = max(self._taken_back, seq)
        if self._picture is not None and self._picture[0] <= seq:
            self._picture = None

    async def recv(self) -> av.VideoFrame:
        while self._picture is None:
            if self.readyState != "live":
                raise MediaStreamError
            self._news.clear()
            await self._news.wait()
        _, picture = self._picture
        self._picture = None
        picture.pts = round((time.perf_counter() - self._begun_s) * VIDEO_CLOCK_RATE)
        picture.time_base = VIDEO_TIME_BASE
        return picture

    def stop(self) -> None:
        super().stop()
        self._news.set()


async def _drain(track: MediaStreamTrack) -> None:
    """Take what nobody wants, so that it does not pile up."""
    with contextlib.suppress(MediaStreamError):
        while True:
            await track.recv()


def _with_bitrates(sdp: str) -> str:
    """The same description; the browser's encoder begins with enough for the whole picture."""
    wish = ";".join(
        f"x-google-{name}-bitrate={bits // 1000}"
        for name, bits in (("min", _LEAST_BITS), ("start", _FIRST_BITS), ("max", _MOST_BITS))
    )
    lines, told = sdp.splitlines(), set()
    for place, line in enumerate(lines):
        if line.startswith("a=fmtp:") and "apt=" not in line:
            lines[place] = f"{line};{wish}"
            told.add(line.removeprefix("a=fmtp:").split()[0])
    found = []
    for line in lines:
        found.append(line)
        kind = line.removeprefix("a=rtpmap:").split()
        if line.startswith("a=rtpmap:") and kind[1].startswith("VP8/") and kind[0] not in told:
            found.append(f"a=fmtp:{kind[0]} {wish}")
    return "\r\n".join(found) + "\r\n"
