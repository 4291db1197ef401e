"""A sink that encodes each picture at once and hands it to whoever sends it on."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from masquerade.core.errors import SettingsError
from masquerade.core.lifetimes import Committing
from masquerade.media.live_sinks.picture_encoders import (
    PictureCodec,
    PictureEncoder,
    encode_jpeg,
    make_encoder,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame

__all__ = ["Parcel", "ParcelCoding", "ParcelSink", "Sender"]

_LEAST_WIDTH = 16
_REMEMBERED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelCoding:
    """How pictures are encoded.

    Attributes:
        codec: ``jpeg``, ``h264``, or ``none`` where the picture goes another way.
        quality: 1 to 100.
        width: pixels; a larger picture is made smaller, its shape kept. None keeps the size.
        original: whether the picture before the swap is sent too, as a JPEG.

    Raises:
        SettingsError: a value is out of range.
    """

    codec: PictureCodec = "jpeg"
    quality: int = 80
    width: int | None = None
    original: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise SettingsError(f"quality is {self.quality}; give a number from 1 to 100.")
        if self.width is not None and self.width < _LEAST_WIDTH:
            raise SettingsError(f"The width is {self.width}; give {_LEAST_WIDTH} or more.")

    def size_of(self, size_wh: tuple[int, int]) -> tuple[int, int]:
        """The size that a picture of that size is sent in."""
        width, height = size_wh
        if self.width is None or self.width >= width:
            return size_wh
        return self.width, max(1, round(height * self.width / width))


@dataclass(frozen=True, slots=True)
class Parcel:
    """One encoded picture.

    Attributes:
        frame: the finished frame that it shows: its number, its times, what became of faces.
        data: the picture.
        codec: how it is encoded.
        key: whether decoding can begin with it.
        size_wh: its width and height in pixels.
        original: a JPEG of the same size: the picture before the swap; None without.
    """

    frame: Frame
    data: bytes
    codec: PictureCodec
    key: bool
    size_wh: tuple[int, int]
    original: bytes | None


class Sender(Protocol):
    """Whoever sends parcels on. Its methods are called in the sink's thread and never wait."""

    def has_room(self) -> bool:
        """Whether a picture could be sent now; where not, it is not even encoded."""
        ...

    def send(self, parcel: Parcel) -> None:
        """Take a parcel."""
        ...

    def take_back(self, seq: int) -> bool:
        """Forget parcels up to that frame which are not on their way; whether there was one."""
        ...


class ParcelSink(Committing):
    """Encodes the newest picture where there is room for one, and drops it where there is none.

    A picture is not kept until there is room: the next one is a moment away, and newer.

    Args:
        sender: takes the parcels.
        coding: how pictures are encoded.
        rate: frames a second, about.

    Attributes:
        dropped: pictures for which there was no room.
    """

    wants_original = True
    status = ""
    notices: tuple[str, ...] = ()

    def __init__(self, sender: Sender, coding: ParcelCoding, rate: Fraction) -> None:
        self._sender, self._rate = sender, rate
        self._lock = threading.Lock()
        self._coding = coding
        self._encoder: tuple[object, PictureEncoder] | None = None
        self._keys_asked, self._keys_given = 1, 0
        self._taken_back = -1
        self._newest: Frame | None = None
        self.dropped = 0
        self._took_s: deque[float] = deque(maxlen=_REMEMBERED)

    def latency_ms(self) -> tuple[float, float]:
        """Median and 95th percentile of the time from capture to here, of the last pictures."""
        took_s = sorted(self._took_s.copy())
        if not took_s:
            return 0.0, 0.0
        p50_s, p95_s = took_s[len(took_s) // 2], took_s[int(0.95 * len(took_s))]
        return round(1000 * p50_s, 1), round(1000 * p95_s, 1)

    @property
    def newest(self) -> Frame | None:
        """The newest finished frame, with its label; None before the first."""
        return self._newest

    def change(self, coding: ParcelCoding) -> None:
        """Encode otherwise from the next picture on; decoding can begin with that one."""
        with self._lock:
            self._coding = coding
            self._keys_asked += 1

    def want_key(self) -> None:
        """Have decoding begin anew with the next picture."""
        with self._lock:
            self._keys_asked += 1

    def take_back(self, seq: int) -> None:
        """Show nothing any more of the frames up to ``seq``."""
        with self._lock:
            self._taken_back = max(self._taken_back, seq)
            if self._newest is not None and self._newest.seq <= seq:
                self._newest = None
            if self._sender.take_back(seq):
                self._keys_asked += 1

    def write(self, frame: Frame) -> None:
        """Take a frame of which the original is not known."""
        self.write_beside(frame, frame.pixels)

    def write_beside(self, frame: Frame, original: NDArray[np.uint8]) -> None:
        """Encode a frame and hand it on, where there is room.

        Raises:
            EncoderError: the encoder failed.
        """
        with self._lock:
            if frame.seq <= self._taken_back:
                return
            self._newest = frame
            coding, asked = self._coding, self._keys_asked
        if not self._sender.has_room():
            self.dropped += 1
            return
        parcel = self._pack(frame, original, coding, key=asked > self._keys_given)
        with self._lock:
            if frame.seq <= self._taken_back:
                self._keys_asked += 1  # the receiver misses what was encoded
                return
            self._keys_given = asked
            if frame.captured_s is not None:
                self._took_s.append(time.perf_counter() - frame.captured_s)
            self._sender.send(parcel)

    def _pack(
        self, frame: Frame, original: NDArray[np.uint8], coding: ParcelCoding, *, key: bool
    ) -> Parcel:
        size_wh = coding.size_of(frame.size_wh)
        kind = (coding.codec, coding.quality, size_wh)
        if self._encoder is None or self._encoder[0] != kind:
            encoder = make_encoder(coding.codec, size_wh, coding.quality, self._rate)
            self._encoder, key = (kind, encoder), True
        data, begins = self._encoder[1].encode(_scaled(frame.pixels, size_wh), key=key)
        before = None
        if coding.original:
            before = encode_jpeg(_scaled(original, size_wh), coding.quality)
        return Parcel(frame, data, coding.codec, begins, size_wh, before)

    def commit(self) -> None:
        """Nothing is to be finished."""

    def abort(self) -> None:
        """Nothing is to be removed."""


def _scaled(pixels: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    if (pixels.shape[1], pixels.shape[0]) == size_wh:
        return pixels
    return np.asarray(cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
