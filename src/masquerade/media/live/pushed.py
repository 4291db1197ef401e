"""A live source that somebody pushes pictures and sound into: a browser's camera."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import av
import numpy as np

from masquerade.core.errors import InputError
from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.limits import MediaLimits
from masquerade.media.live.clock import MICROSECONDS, SenderClock, StreamClock
from masquerade.media.live.options import SourceOptions
from masquerade.media.live.pushed_pictures import Codec, Decoder, Pushed, make_decoder
from masquerade.media.live.view import View
from masquerade.media.sound import Sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PushedSource", "Ticket"]

LIMITS = MediaLimits(max_pixels=3840 * 2160)
"""The largest picture that a sender may push."""

_SILENT_S = 2.0
_KEY_TAKES_S = 0.25
_SOUND_RATE = 48_000
_SOUNDS_WAITING = 100
_TICKETS = 64
_MOST_WAITING, _MOST_BYTES = 60, 8 * 2**20
_LATEST_STAMP_MS = 1e12  # thirty years after whatever the sender counts from


class Ticket(NamedTuple):
    """What the sender calls a picture: its number and when it was captured, by his clock."""

    number: int
    stamp_ms: float


class PushedSource(Closing):
    """The newest picture that was pushed, again and again. Pushing never waits.

    Pictures are decoded in the thread that iterates. Of JPEGs only the newest is; H.264 is
    decoded whole, as each picture builds on those before it. Pictures of another size than the
    announced one (a phone is turned) are fitted in, with black bars.

    Args:
        size_wh: width and height of the frames in pixels.
        rate: frames a second that the sender means to send.
        codec: how pictures come.
        sound: whether sound comes too.
        limits: the largest picture.

    Attributes:
        info: size and rate.
        codec: how pictures come now.
        sound: the sound, on the clock of the pictures; None without.

    Raises:
        MediaLimitError: the announced size is larger than the limit.
    """

    notices: tuple[str, ...] = ()

    def __init__(
        self,
        size_wh: tuple[int, int],
        rate: Fraction,
        codec: Codec,
        *,
        sound: bool = False,
        limits: MediaLimits = LIMITS,
    ) -> None:
        limits.check_picture(*size_wh, "The picture that is to be sent")
        self.info = SourceInfo(size_wh, None, rate, None, live=True)
        self.sound = Sound() if sound else None
        self._view = View(SourceOptions(size_wh=size_wh))
        self._limits = limits
        self.codec, self._keeps_all = codec, codec == "h264"
        self._decoder = make_decoder(codec, limits)
        self._clock, self._sender = StreamClock(), SenderClock()
        self._news = threading.Condition()
        self._waiting: deque[Pushed] = deque()
        self._bytes = 0
        self._sounds: deque[tuple[bytes, float, float]] = deque(maxlen=_SOUNDS_WAITING)
        self._tickets: deque[tuple[int, Ticket]] = deque(maxlen=_TICKETS)
        self._arrived_s = self._key_s = time.perf_counter()
        self._closed = False
        self._overrun = False

    # Whoever pushes

    def push(
        self, data: bytes | av.VideoFrame, number: int, stamp_ms: float, *, key: bool = True
    ) -> None:
        """Leave a picture; older ones that nobody took are forgotten as far as that is possible.

        Args:
            data: a whole JPEG, one access unit of H.264 in Annex B form, or a decoded frame, as
                the codec says.
            number: the sender's own number.
            stamp_ms: when it was captured, milliseconds of the sender's own clock.
            key: whether decoding can begin with it.

        Raises:
            InputError: the time is none.
        """
        size = len(data) if isinstance(data, bytes) else 0
        pushed = Pushed(data, number, _checked(stamp_ms), key, time.perf_counter())
        with self._news:
            if not self._keeps_all or key or self._bytes + size > _MOST_BYTES:
                self._overrun = self._keeps_all and not key
                self._waiting.clear()
                self._bytes = 0
            if len(self._waiting) >= _MOST_WAITING:
                self._overrun = True
                self._waiting.clear()
                self._bytes = 0
            self._waiting.append(pushed)
            self._bytes += size
            self._arrived_s = pushed.arrived_s
            if key:
                self._key_s = pushed.arrived_s
            if isinstance(data, bytes):  # WebRTC has a clock of its own
                self._sender.arrives(stamp_ms / 1000, pushed.arrived_s)
            self._news.notify_all()

    def switch(self, codec: Codec) -> None:
        """Take pictures that come in another way from now on."""
        with self._news:
            self._waiting.clear()
            self._bytes, self._overrun = 0, False
            self.codec, self._keeps_all = codec, codec == "h264"
            self._decoder = make_decoder(codec, self._limits)

    def push_sound(self, samples: bytes, stamp_ms: float) -> None:
        """Leave sound: signed 16-bit samples of one channel at 48 kHz.

        Args:
            samples: little endian, two bytes each.
            stamp_ms: when the first was recorded, by the clock of the pictures' stamps.

        Raises:
            InputError: the time is none, half a sample was sent, or more than a second at once.
        """
        if len(samples) % 2 or len(samples) > 2 * _SOUND_RATE:
            raise InputError(
                "The sound is no whole number of samples, or longer than a second; send 16-bit "
                "samples, 20 ms of them at a time."
            )
        if self.sound is not None and samples:
            self._sounds.append((samples, _checked(stamp_ms), time.perf_counter()))

    def silent_s(self) -> float:
        """Seconds since the last picture came, or since the beginning."""
        return time.perf_counter() - self._arrived_s

    @property
    def needs_key(self) -> bool:
        """Whether nothing can be shown before a key frame comes; ask the sender for one."""
        waited_s = time.perf_counter() - self._key_s  # one that has just come is not decoded yet
        return self._overrun or (self._decoder.needs_key and waited_s > _KEY_TAKES_S)

    def ticket(self, seq: int) -> Ticket | None:
        """What the sender calls the frame ``seq``; None where that is too long ago."""
        for known, ticket in reversed(self._tickets):
            if known == seq:
                return ticket
        return None

    # Whoever reads

    @property
    def status(self) -> str:
        """What it is waiting for; empty while pictures come."""
        silent_s = self.silent_s()
        return f"no picture for {silent_s:.0f} s" if silent_s > _SILENT_S else ""

    @property
    def origin_s(self) -> float | None:
        """The moment of pts 0, seconds of ``time.perf_counter``; None before the first frame."""
        return self._clock.origin_s

    def __iter__(self) -> Iterator[Frame]:
        seq = 0
        while not self._closed:
            pictures, decoder = self._take()
            decoded = decoder.newest(pictures)
            self._hear()
            if decoded is None or self._closed:
                continue
            pushed, pixels = decoded
            self._tickets.append((seq, Ticket(pushed.number, pushed.stamp_ms)))
            yield self._frame(seq, pushed, pixels)
            seq += 1

    def close(self) -> None:
        """End the iteration; may be called twice and from any thread."""
        with self._news:
            self._closed = True
            self._waiting.clear()
            self._news.notify_all()

    def _take(self) -> tuple[list[Pushed], Decoder]:
        with self._news:
            while not self._waiting and not self._closed:
                self._news.wait()
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            if self._overrun:  # the chain is broken: decoding begins anew with the next key frame
                self._decoder.needs_key, self._overrun = True, False
            return taken, self._decoder

    def _frame(self, seq: int, pushed: Pushed, pixels: NDArray[np.uint8]) -> Frame:
        pts = self._clock.pts(pushed.arrived_s)
        return Frame(self._view.of(pixels), seq, pts, MICROSECONDS, pushed.arrived_s)

    def _hear(self) -> None:
        """Place on the pictures' clock what was heard since the last picture."""
        while self.sound is not None and self._clock.origin_s is not None and self._sounds:
            samples, stamp_ms, arrived_s = self._sounds.popleft()
            moment_s = self._sender.sound_moment(stamp_ms / 1000)
            if moment_s is None:  # what has just come began as long ago as it lasts
                moment_s = arrived_s - len(samples) / 2 / _SOUND_RATE
            self.sound.feed(_audio(samples), moment_s - self._clock.origin_s)


def _checked(stamp_ms: float) -> float:
    if not (math.isfinite(stamp_ms) and 0 <= stamp_ms < _LATEST_STAMP_MS):
        raise InputError("The time of a picture is no time; send milliseconds from 0 up.")
    return stamp_ms


def _audio(samples: bytes) -> av.AudioFrame:
    array = np.frombuffer(samples, "<i2").astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(array, "s16", "mono")
    frame.sample_rate = _SOUND_RATE
    return frame
