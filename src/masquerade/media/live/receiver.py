"""What comes over one connection: pictures to the slot, sound to the taps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import av.error
from av.codec.context import Flags

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from masquerade.media.limits import MediaLimits
    from masquerade.media.live.clock import Rhythm, StreamClock
    from masquerade.media.live.reader import Reader
    from masquerade.media.sound import Sound

from masquerade.media.live.clock import SenderClock
from masquerade.media.live.slot import Arrival, Slot

__all__ = ["Receiver", "find_sound", "find_video"]


@dataclass(slots=True)
class Receiver:
    """Decodes the packets of one connection, in the reader's thread.

    Attributes:
        reader: told of every picture.
        slot: where pictures go.
        clock: of the stream that they become part of.
        rhythm: thins them out.
        sound: where sound goes; None where it is not wanted.
        paced: pictures are held until they are due: they come from a recording, or in pieces.
    """

    reader: Reader
    slot: Slot
    clock: StreamClock
    rhythm: Rhythm
    sound: Sound | None
    paced: bool

    def run(self, container: InputContainer, video: VideoStream, audio: AudioStream | None) -> None:
        """Receive until the end, or until closed.

        Raises:
            av.FFmpegError: the connection or the device broke.
            StalledError: no picture for too long.
        """
        sender = SenderClock()
        streams = [video] if audio is None else [video, audio]
        for packet in self.reader.packets(container, streams):
            try:
                frames: list[Any] = packet.decode()
            except av.error.InvalidDataError:
                continue  # it was damaged on the way; the next key frame mends it
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    self._show(frame, sender)
                else:
                    self._hear(frame, sender)
            if self.reader.stopping:
                return

    def _show(self, frame: av.VideoFrame, sender: SenderClock) -> None:
        captured_s = time.perf_counter()
        if self.paced:
            wait_s = sender.wait_s(frame.time, captured_s)
            if wait_s and self.reader.wait(wait_s):
                return
            captured_s += wait_s
        elif sender.arrives(frame.time, captured_s):
            return
        if not self.rhythm.skips(captured_s):
            self.slot.put(Arrival(frame, captured_s))
        self.reader.arrived()

    def _hear(self, frame: av.AudioFrame, sender: SenderClock) -> None:
        if self.sound is None or self.clock.origin_s is None or frame.time is None:
            return
        moment_s = sender.sound_moment(frame.time)
        if moment_s is not None:
            self.sound.feed(frame, moment_s - self.clock.origin_s)


def find_video(
    container: InputContainer, limits: MediaLimits, label: str, *, promptly: bool
) -> VideoStream | None:
    """The first video that can be decoded, set up to be; None where there is none.

    Args:
        container: what was opened.
        limits: the largest frame.
        label: what the input is called.
        promptly: no frame is held back to put frames in order, where the stream allows that.

    Raises:
        MediaLimitError: its pictures are too large.
    """
    video = next((stream for stream in container.streams.video if stream.codec_context), None)
    if video is None:
        return None
    context = video.codec_context
    limits.check_picture(context.width, context.height, label)
    context.options = {"max_pixels": str(limits.max_pixels)}
    # Threads by frame would hold back as many frames as there are threads.
    context.thread_type = "SLICE"
    if promptly and not context.has_b_frames:
        context.flags |= Flags.low_delay
    return video


def find_sound(container: InputContainer) -> AudioStream | None:
    """The first sound that can be decoded."""
    return next((stream for stream in container.streams.audio if stream.codec_context), None)
