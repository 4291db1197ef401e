"""Picture and sound together on their way into an output."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from masquerade.core.errors import OutputError
from masquerade.media.live_sinks.encoding import CLOCK, Coding, VideoTrack
from masquerade.media.live_sinks.sound_track import SAMPLE_RATE, SoundTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

    import av
    from av.container import OutputContainer

    from masquerade.core.frame import Frame
    from masquerade.media.live_sinks.canvas import Canvas

__all__ = ["TITLE", "Programme", "time_of"]

TITLE = "Masquerade (faces swapped with AI)"
"""What a stream is called where its format has room for a name and for nothing else."""


def time_of(frame: Frame) -> Fraction:
    """When a frame is shown, in seconds.

    Raises:
        OutputError: it has no time.
    """
    if frame.pts is None:
        raise OutputError("A frame without a time cannot be written to a video.")
    return frame.pts * frame.time_base


class Programme:
    """Encodes pictures and the sound up to them, and muxes both.

    Time 0 of the output is ``origin_s`` of the source's clock, for both: the sound keeps its
    distance to the picture. It begins with the first picture, and where the sound is missing for
    longer than ``patience_s`` silence takes its place, as a muxer holds the picture back until
    sound is there.

    Args:
        picture: container of the picture.
        sound: container of the sound, the same one where the format carries both.
        coding: how the picture is encoded.
        canvas: size and colour of the picture.
        sound_codec: ``aac`` or ``libopus``; None for no sound.
        patience_s: how far the sound may be behind the picture.
        global_header: as VideoTrack.
    """

    def __init__(
        self,
        picture: OutputContainer,
        sound: OutputContainer,
        coding: Coding,
        canvas: Canvas,
        *,
        sound_codec: str | None,
        patience_s: float,
        global_header: bool = False,
    ) -> None:
        self._outputs = (picture, sound)
        self.video = VideoTrack(picture, coding, canvas, global_header=global_header)
        self.sound = SoundTrack(sound, sound_codec) if sound_codec else None
        self._patience = round(patience_s * SAMPLE_RATE)
        self._origin: Fraction | None = None
        self.frames = 0

    def write(
        self,
        picture: av.VideoFrame,
        seconds: Fraction,
        sound: Sequence[av.AudioFrame] = (),
        origin_s: Fraction | None = None,
    ) -> None:
        """Mux one picture and the sound that comes before it.

        Args:
            picture: from the canvas.
            seconds: its time by the source's clock.
            sound: 48 kHz stereo frames that begin before ``seconds``, by the same clock.
            origin_s: at the first call, what is time 0; the first picture's time by default.
        """
        if self._origin is None:
            self._begin(seconds, seconds if origin_s is None else origin_s)
        assert self._origin is not None
        at = round((seconds - self._origin) / CLOCK)
        self._outputs[0].mux(self.video.encode(picture, at))
        self.frames += 1
        if self.sound is not None:
            for packet in self.sound.take(sound):
                self._outputs[1].mux(packet)
            for packet in self.sound.fill(round(seconds * SAMPLE_RATE) - self._patience):
                self._outputs[1].mux(packet)

    def _begin(self, seconds: Fraction, origin: Fraction) -> None:
        self._origin = origin
        if self.sound is not None:
            self.sound.begin(round(origin * SAMPLE_RATE), round(seconds * SAMPLE_RATE))

    def finish(self, sound: Sequence[av.AudioFrame] = ()) -> None:
        """Mux the rest; the containers are left open."""
        self._outputs[0].mux(self.video.finish())
        if self.sound is not None and self._origin is not None:
            for packet in self.sound.take(sound):
                self._outputs[1].mux(packet)
            for packet in self.sound.finish():
                self._outputs[1].mux(packet)
