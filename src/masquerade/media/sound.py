"""Live sound: one clock, one format, and as many readers as there are sinks."""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sound", "SoundTap"]

_RATE = 48_000
_CHANNELS = 2
_LAYOUT = "stereo"
_FORMAT = "fltp"
_TOLERANCE = _RATE // 10
"""Samples that a sender's clock may be off before silence is put in or sound is left out."""
_CAPACITY = 10 * _RATE
_SILENCE = _RATE // 10


class Sound:
    """Sound that belongs to a live source, on the clock of its pictures.

    Whoever records calls :meth:`feed`; every sink reads through a :meth:`tap` of its own. What
    comes out is 48 kHz stereo, float planar, without gaps and overlaps: where the sender paused
    for more than a tenth of a second there is silence. May be used from several threads.
    """

    SAMPLE_RATE = _RATE
    LAYOUT = _LAYOUT

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taps: list[SoundTap] = []
        self._resampler: av.AudioResampler | None = None
        self._input: tuple[str, str, int] | None = None
        self._next: int | None = None

    def tap(self) -> SoundTap:
        """A new reader of everything that is fed from now on."""
        tap = SoundTap(self)
        with self._lock:
            self._taps.append(tap)
        return tap

    def feed(self, frame: av.AudioFrame, at_s: float) -> None:
        """Take decoded sound of any rate, layout and sample format.

        Args:
            frame: the sound; its own timestamp is ignored and not changed.
            at_s: when it begins, seconds on the clock of ``Frame.seconds``. What lies before 0
                is left out.

        Raises:
            av.FFmpegError: the format cannot be converted.
        """
        samples = self._converted(frame)
        with self._lock:
            if samples.shape[1]:
                self._place(samples, round(at_s * _RATE))

    def _converted(self, frame: av.AudioFrame) -> NDArray[np.float32]:
        """float32 (2, N): the frame, and what the resampler held back of those before."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._input:
            # FFmpeg would take 3 dB off a single channel that it spreads over two.
            layout = "mono" if frame.layout.nb_channels == 1 else _LAYOUT
            self._resampler = av.AudioResampler(_FORMAT, layout, _RATE)
            self._input = kind
        pts, frame.pts = frame.pts, None
        try:
            parts = [part.to_ndarray() for part in self._resampler.resample(frame)]
        finally:
            frame.pts = pts
        if not parts:
            return np.zeros((_CHANNELS, 0), np.float32)
        samples = np.concatenate(parts, axis=1).astype(np.float32, copy=True)
        return np.repeat(samples, _CHANNELS, axis=0) if len(samples) == 1 else samples

    def _place(self, samples: NDArray[np.float32], start: int) -> None:
        """Put samples where they belong on the clock, without a gap and without an overlap."""
        due = 0 if self._next is None else self._next
        late = start - due
        if late > _TOLERANCE:
            self._give_silence(max(due, start - _CAPACITY), start)
            due = start
        elif late < -_TOLERANCE or self._next is None:
            samples = samples[:, max(0, -late) :]
        if samples.shape[1]:
            self._give(samples, due)

    def _give_silence(self, start: int, end: int) -> None:
        while start < end:
            length = min(_SILENCE, end - start)
            self._give(np.zeros((_CHANNELS, length), np.float32), start)
            start += length

    def _give(self, samples: NDArray[np.float32], start: int) -> None:
        for tap in self._taps:
            tap._put(samples, start)
        self._next = start + samples.shape[1]

    def _release(self, tap: SoundTap) -> None:
        with self._lock:
            if tap in self._taps:
                self._taps.remove(tap)


class SoundTap(Closing):
    """One reader of a :class:`Sound`. It holds ten seconds at most; the oldest are lost first.

    Attributes:
        lost: samples (of one channel) that nobody took in time.
    """

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._lock = threading.Lock()
        self._chunks: deque[tuple[int, NDArray[np.float32]]] = deque()
        self._held = 0
        self.lost = 0

    def take(self, until_s: float) -> list[av.AudioFrame]:
        """What begins before ``until_s`` on the clock of ``Frame.seconds``, in order.

        Returns:
            New frames, 48 kHz stereo fltp, with ``pts`` in samples since second 0.
        """
        taken = []
        with self._lock:
            while self._chunks and self._chunks[0][0] < until_s * _RATE:
                start, samples = self._chunks.popleft()
                self._held -= samples.shape[1]
                taken.append((start, samples))
        return [_frame(start, samples) for start, samples in taken]

    def close(self) -> None:
        """Hear no more; may be called twice."""
        self._sound._release(self)
        with self._lock:
            self._chunks.clear()
            self._held = 0

    def _put(self, samples: NDArray[np.float32], start: int) -> None:
        with self._lock:
            self._chunks.append((start, samples))
            self._held += samples.shape[1]
            while self._held > _CAPACITY:
                oldest = self._chunks.popleft()[1].shape[1]
                self._held -= oldest
                self.lost += oldest


def _frame(start: int, samples: NDArray[np.float32]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), _FORMAT, _LAYOUT)
    frame.sample_rate = _RATE
    frame.pts = start
    frame.time_base = Fraction(1, _RATE)
    return frame
