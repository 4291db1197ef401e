"""Sound on its way into an output: without gaps, on the clock of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
from av.audio.stream import AudioStream

from masquerade.media.sound import Sound

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from numpy.typing import NDArray

__all__ = ["SAMPLE_RATE", "SoundTrack"]

SAMPLE_RATE = Sound.SAMPLE_RATE

_BITS_A_SECOND = 160_000
_LONGEST = SAMPLE_RATE  # samples of silence that are made at once


class SoundTrack:
    """One sound stream of an output.

    The encoder counts samples, so that a gap would pull all later sound forward. Gaps are filled
    with silence here, and what overlaps is cut.

    Args:
        output: the container; the stream is added to it at once.
        codec: ``aac`` or ``libopus``.
    """

    def __init__(self, output: OutputContainer, codec: str) -> None:
        stream = output.add_stream(codec, rate=SAMPLE_RATE)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = "stereo"
        stream.codec_context.bit_rate = _BITS_A_SECOND
        self.stream = stream
        self._origin = self._at = 0
        self._encoded = False

    def begin(self, origin: int, at: int) -> None:
        """Say which sample of the source's clock is 0 in the output, and with which to begin."""
        self._origin, self._at = origin, at

    def take(self, frames: Iterable[av.AudioFrame]) -> Iterator[Packet[AudioStream]]:
        """Packets of 48 kHz stereo ``fltp`` frames whose ``pts`` count samples of the source."""
        for frame in frames:
            assert frame.pts is not None
            time_base = frame.time_base or Fraction(1, SAMPLE_RATE)
            start = round(frame.pts * time_base * SAMPLE_RATE)
            yield from self.fill(start)
            samples = frame.to_ndarray()[:, max(0, self._at - start) :].astype(
                np.float32, copy=False
            )
            if samples.shape[1]:
                yield from self._encode(samples)

    def fill(self, until: int) -> Iterator[Packet[AudioStream]]:
        """Packets of silence from where the sound has ended to sample ``until``."""
        while self._at < until:
            count = min(until - self._at, _LONGEST)
            yield from self._encode(np.zeros((2, count), np.float32))

    def finish(self) -> Iterator[Packet[AudioStream]]:
        """What the encoder still holds."""
        if self._encoded:
            yield from self.stream.encode(None)

    def _encode(self, samples: NDArray[np.float32]) -> list[Packet[AudioStream]]:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "stereo")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = self._at - self._origin
        self._at += samples.shape[1]
        self._encoded = True
        return self.stream.encode(frame)
