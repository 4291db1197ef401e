"""A live stream sent over the network."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import av.error

from masquerade.core.errors import EncoderError, OutputError, StreamError
from masquerade.core.lifetimes import Committing
from masquerade.media.live_sinks.address import Address
from masquerade.media.live_sinks.canvas import Canvas
from masquerade.media.live_sinks.connection import Connection, StreamPlan
from masquerade.media.live_sinks.encoding import stream_coding
from masquerade.media.live_sinks.programme import time_of

if TYPE_CHECKING:
    from masquerade.core.frame import Frame
    from masquerade.core.protocols import SourceInfo
    from masquerade.media.live_sinks.options import SinkOptions

__all__ = ["StreamSink"]

_CAPACITY = 2  # pictures that wait to be encoded
_BLOCK_S = 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_FAREWELL_S = 2.0
_LAST_S = 2.0  # every wait of the thread but that for a name server ends within a tenth of this


class StreamSink(Committing):
    """Sends H.264 and AAC by UDP or TCP (as MPEG-TS), RTMP, RTMPS or RTSP.

    The first connection is made at once, and if that fails the sink is not made. If the receiver
    leaves later, frames are dropped and it is sought again, after 0.5 s, 1 s, ... 8 s; then the
    stream goes on with a key frame, its time still running. Encoding and sending are done by a
    thread of the sink's own, so that ``write`` never waits for the network for more than half a
    second.

    Args:
        spec: the address.
        info: gives size and rate.
        options: encoder, bit rate, sound, connect_s.

    Attributes:
        dropped: frames that were not sent, because nobody was there or the network was slow.

    Raises:
        SettingsError: the address cannot be read.
        EncoderError: an encoder that is unknown, does not work here, or is not H.264.
        StreamError: nobody answers within ``connect_s``, or the stream is refused.
    """

    def __init__(self, spec: str, info: SourceInfo, options: SinkOptions) -> None:
        self._address = Address.parse(spec)
        self._canvas = Canvas(info.size_wh)
        coding = stream_coding(
            options.encoder,
            self._canvas.size_wh,
            quality=options.quality,
            preset=options.preset,
            rate=options.frame_rate(info),
            bitrate=options.bitrate,
        )
        sound, disclosure = options.sound is not None, options.disclosure
        self._plan = StreamPlan(self._address, coding, self._canvas, sound, disclosure)
        self._connect_s = options.connect_s
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._waiting: deque[tuple[av.VideoFrame, Fraction]] = deque()
        self._connection: Connection | None = None
        self._answered = self._ending = False
        self._failure: OutputError | None = None
        self._lost_at: float | None = None
        self._losses = 0
        self._origin: Fraction | None = None
        self.dropped = 0
        self._tap = options.sound.tap() if options.sound else None
        name = f"masquerade-connect-{self._address.host}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._await_connection()

    def _await_connection(self) -> None:
        try:
            with self._changed:
                done = self._changed.wait_for(
                    lambda: self._answered or self._failure is not None, self._connect_s
                )
            if self._failure is not None:
                raise self._failure
            if not done:
                # A name server that is silent cannot be interrupted: the thread ends with it.
                raise StreamError(
                    f"{self._address.place} does not answer; check the address, and start the "
                    "receiver first."
                )
        except BaseException:
            self._stop.set()
            self._end(0.0)
            raise

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told of the output."""
        if not self._losses:
            return self._canvas.notices
        times = "once" if self._losses == 1 else f"{self._losses} times"
        lost = f"The connection to {self._address.place} was lost {times}."
        return (*self._canvas.notices, lost)

    @property
    def status(self) -> str:
        """``reconnecting to HOST:PORT (n s)`` while the receiver is sought; else empty."""
        lost_at, connection = self._lost_at, self._connection
        if lost_at is not None:
            seconds = time.monotonic() - lost_at
            return f"reconnecting to {self._address.place} ({seconds:.0f} s)"
        if connection is not None and connection.unheard:
            return f"nobody listens at {self._address.place}"
        return ""

    # The Sink protocol

    def write(self, frame: Frame) -> None:
        """Hand over one frame; it is dropped if nobody is there or the network is too slow.

        Raises:
            OutputError: the encoder failed, or the frame has no time.
        """
        seconds = time_of(frame)
        if self._failure is not None:
            raise self._failure
        if self._connection is None or self._ending:
            self.dropped += 1
            return
        picture = self._canvas.draw(frame.pixels)
        with self._changed:
            room = self._changed.wait_for(self._has_room, _BLOCK_S)
            if room and self._connection is not None:
                self._waiting.append((picture, seconds))
                self._changed.notify_all()
            else:
                self.dropped += 1

    def _has_room(self) -> bool:
        return len(self._waiting) < _CAPACITY or self._connection is None

    def commit(self) -> None:
        """Send what is waiting, within two seconds, and hang up."""
        self._end(_FAREWELL_S)

    def abort(self) -> None:
        """Hang up; may be called after commit, then does nothing."""
        self._stop.set()
        self._end(0.0)

    def _end(self, grace_s: float) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if grace_s:
            self._thread.join(grace_s)
        self._stop.set()
        self._thread.join(_LAST_S)
        if self._tap is not None:
            self._tap.close()

    # The thread

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                with (
                    self._mapped(),
                    Connection(self._plan, self._stop, self._connect_s) as connection,
                ):
                    pause_s = _FIRST_PAUSE_S
                    self._opened(connection)
                    self._feed(connection)
                    return
            except StreamError as error:
                if not self._answered:
                    self._fail(error)
                    return
                self._lose()
            except OutputError as error:
                self._fail(error)
                return
            if self._ending or self._stop.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _opened(self, connection: Connection) -> None:
        with self._changed:
            self._connection, self._lost_at, self._answered = connection, None, True
            self._changed.notify_all()

    def _lose(self) -> None:
        with self._changed:
            self._forget()
            if self._lost_at is None:
                self._lost_at = time.monotonic()
                self._losses += 1

    def _fail(self, error: OutputError) -> None:
        with self._changed:
            self._failure = error
            self._forget()

    def _forget(self) -> None:
        self._connection = None
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._changed.notify_all()

    def _feed(self, connection: Connection) -> None:
        """Encode and send until the sink ends."""
        while (item := self._next()) is not None:
            picture, seconds = item
            if self._origin is None:
                self._origin = seconds
            sound = self._tap.take(float(seconds)) if self._tap else []
            connection.write(picture, seconds, sound, self._origin)
        if not self._stop.is_set():
            connection.finish()

    def _next(self) -> tuple[av.VideoFrame, Fraction] | None:
        with self._changed:
            while not self._waiting:
                if self._ending or self._stop.is_set():
                    return None
                self._changed.wait(0.5)
            item = self._waiting.popleft()
            self._changed.notify_all()
            return None if self._stop.is_set() else item

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        """Turn what the libraries raise into errors of our own."""
        name = self._plan.coding.encoder.name
        try:
            yield
        except OutputError:
            raise
        except OSError as error:
            raise StreamError(
                f"The stream to {self._address.place} broke off ({error.strerror or error}); check "
                "the network."
            ) from error
        except (av.error.FFmpegError, ValueError, MemoryError, RuntimeError) as error:
            raise EncoderError(
                f"The encoder {name} failed ({error}); choose another with --video-encoder."
            ) from error
