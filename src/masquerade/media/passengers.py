"""Sound, subtitles, chapters and fonts of a video, carried over to the new file.

They are read a second time from the source file, beside the video and only as far as the video
has come, so that nothing has to be held in memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import av
import av.error
from av.audio.stream import AudioStream
from av.stream import AttachmentStream, Discard
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from masquerade.media.containers import open_input, reading

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

__all__ = ["Passengers"]

_AUDIO_CODEC = {"webm": "libopus"}
_TEXT_SUBTITLES = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt", "matroska": "subrip"}
# What a player shows of a file. The rest belongs to the muxer, or is no longer true.
_METADATA_LEFT_OUT = {
    "major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "duration",
    "handler_name", "vendor_id", "xmp",
}  # fmt: skip


_DAMAGED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)
"""What muxers say of packets whose content makes no sense."""


class _Track(Protocol):
    """One stream on its way over."""

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]: ...

    def flush(self) -> Iterator[Packet[Stream]]: ...


class _Copied:
    """Packets as they are, only their time shifted; sound that goes back in time is dropped."""

    def __init__(self, target: Stream, shift: int) -> None:
        self._target, self._shift = target, shift
        self._last: int | None = None

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts = max(packet.pts, packet.dts) - self._shift
        packet.dts -= self._shift
        if self._target.type == "audio":
            if self._last is not None and packet.dts <= self._last:
                return
            self._last = packet.dts
        packet.stream = self._target
        yield packet

    def flush(self) -> Iterator[Packet[Stream]]:
        yield from ()


class _TranscodedAudio:
    """Sound whose coding the container does not take, decoded and encoded anew."""

    def __init__(self, target: AudioStream, shift: int) -> None:
        self._target, self._shift = target, shift

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            return  # a damaged packet is a short silence, not the end of the sound
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            if frame.pts is not None:
                frame.pts -= self._shift
            yield from self._target.encode(frame)

    def flush(self) -> Iterator[Packet[Stream]]:
        yield from self._target.encode(None)


class _TranscodedSubtitle:
    """Text subtitles in the form that the container takes."""

    def __init__(self, source: SubtitleStream, target: SubtitleStream, shift: int) -> None:
        self._source, self._target, self._shift = source, target, shift
        source.codec_context.open(strict=False)
        target.codec_context.subtitle_header = source.codec_context.subtitle_header
        target.codec_context.open(strict=False)

    def convert(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        if not packet.size or packet.pts is None:
            return
        for line in self._source.decode(packet):
            if not isinstance(line, AssSubtitle):
                continue
            text = SubtitleSet.create(line.ass, 0, packet.duration or 0)
            fresh: Packet[Stream] = self._target.codec_context.encode_subtitle(text)
            fresh.stream, fresh.time_base = self._target, packet.time_base
            fresh.pts = fresh.dts = packet.pts - self._shift
            fresh.duration = packet.duration
            yield fresh

    def flush(self) -> Iterator[Packet[Stream]]:
        yield from ()


class Passengers:
    """Everything of ``path`` but its picture, muxed into ``output`` as time goes on.

    Args:
        path: the source file.
        output: the container being written; streams are added to it at once.
        container: FFmpeg's name of its muxer.
        audio: whether sound is wanted.
        shift_s: what is taken off every timestamp of the file, in seconds.
        begin_s: where to begin by the file's own clock; None is its start.
        end_s: where to stop by the file's own clock; None is its end.

    Raises:
        InputError: the file cannot be read again.
    """

    def __init__(
        self,
        path: Path,
        output: OutputContainer,
        container: str,
        *,
        audio: bool,
        shift_s: Fraction,
        begin_s: Fraction | None,
        end_s: Fraction | None,
    ) -> None:
        self._notices: list[str] = []
        self._dropped = 0
        self._path, self._output, self._container = path, output, container
        self._input = open_input(path)
        self._shift, self._begin, self._end = shift_s, begin_s, end_s
        self._tracks: dict[int, _Track] = {}
        for stream in self._input.streams:
            wanted = stream.type == "subtitle" or (stream.type == "audio" and audio)
            if wanted and stream.codec_context is not None:
                self._take(stream)
            elif isinstance(stream, AttachmentStream) and container == "matroska":
                self._take_font(stream)
            if stream.index not in self._tracks:
                stream.discard = Discard.all
        self._copy_facts()
        self._packets = self._read()
        self._waiting = next(self._packets, None)

    @property
    def notices(self) -> list[str]:
        """What the user should be told; complete after :meth:`finish`."""
        dropped = f"{self._dropped} damaged packets of sound or text were left out."
        return [*self._notices, dropped] if self._dropped else self._notices

    # Setting out

    def _take(self, stream: Stream) -> None:
        name = f"{stream.type} track {stream.index} ({stream.codec_context.name})"
        shift = round(self._shift / (stream.time_base or Fraction(1, 1000)))
        try:
            target, track = self._copy(stream, shift) or self._transcode(stream, shift, name)
        except (av.error.FFmpegError, ValueError) as error:
            self._notices.append(
                f"The {name} could not be put into {self._container} ({error}) and was left out."
            )
            return
        target.metadata.update(
            (key, value) for key, value in stream.metadata.items() if key in ("language", "title")
        )
        target.disposition = stream.disposition
        self._tracks[stream.index] = track

    def _copy(self, stream: Stream, shift: int) -> tuple[Stream, _Track] | None:
        if isinstance(stream, AudioStream) and not (stream.sample_rate and stream.channels):
            raise ValueError("it holds nothing readable")
        try:
            target = self._output.add_stream_from_template(stream, opaque=True)
        except ValueError:
            return None  # the muxer does not take this coding
        return target, _Copied(target, shift)

    def _transcode(self, stream: Stream, shift: int, name: str) -> tuple[Stream, _Track]:
        if isinstance(stream, AudioStream):
            codec = _AUDIO_CODEC.get(self._container, "aac")
            rate = 48000 if codec == "libopus" else stream.codec_context.sample_rate
            sound = self._output.add_stream(codec, rate=rate)
            assert isinstance(sound, AudioStream)
            sound.codec_context.layout = stream.codec_context.layout.name
            sound.codec_context.bit_rate = 96_000 * max(2, stream.codec_context.channels)
            self._notices.append(f"The {name} was encoded anew as {codec} to fit the container.")
            return sound, _TranscodedAudio(sound, shift)
        assert isinstance(stream, SubtitleStream)
        text = self._output.add_stream(_TEXT_SUBTITLES[self._container])
        assert isinstance(text, SubtitleStream)
        return text, _TranscodedSubtitle(stream, text, shift)

    def _take_font(self, stream: AttachmentStream) -> None:
        mimetype = stream.mimetype or ""
        if "font" in mimetype or "truetype" in mimetype or "opentype" in mimetype:
            self._output.add_attachment(stream.name or "font", mimetype, stream.data)

    def _copy_facts(self) -> None:
        """Title and the like, and chapters; cover pictures stay behind: they show the face."""
        self._output.metadata.update(
            (key, value)
            for key, value in self._input.metadata.items()
            if key.lower() not in _METADATA_LEFT_OUT
        )
        chapters = []
        for chapter in self._input.chapters():
            base = chapter["time_base"] or Fraction(1, 1000)
            shift = round(self._shift / base)
            begin, end = chapter["start"] - shift, chapter["end"] - shift
            if self._end is not None:
                end = min(end, round((self._end - self._shift) / base))
            if end > max(begin, 0):
                chapter["start"], chapter["end"] = max(begin, 0), end
                chapters.append(chapter)
        if chapters:
            self._output.set_chapters(chapters)

    # On the way

    def advance(self, seconds: float) -> None:
        """Mux everything that begins at or before ``seconds`` of the output."""
        while self._waiting is not None and self._time_of(self._waiting) <= seconds:
            self._mux(self._waiting)
            self._waiting = next(self._packets, None)

    def finish(self) -> None:
        """Mux the rest."""
        self.advance(float("inf"))
        for track in self._tracks.values():
            self._output.mux(list(track.flush()))

    def close(self) -> None:
        """Release the source file; may be called twice."""
        self._packets.close()
        self._input.close()

    def _time_of(self, packet: Packet[Stream]) -> float:
        assert packet.dts is not None
        return float(packet.dts * packet.time_base - self._shift)

    def _mux(self, packet: Packet[Stream]) -> None:
        for fresh in self._tracks[packet.stream_index].convert(packet):
            try:
                self._output.mux(fresh)
            except _DAMAGED:
                self._dropped += 1  # damaged: a gap in the sound is better than no film

    def _read(self) -> Generator[Packet[Stream], None, None]:
        """The wanted packets, in the order of the file."""
        if not self._tracks:
            return
        streams = [stream for stream in self._input.streams if stream.index in self._tracks]
        if self._begin is not None:
            with reading(self._path):
                self._input.seek(int(self._begin * av.time_base), backward=True)
        packets = self._input.demux(*streams)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.InvalidDataError, av.error.EOFError):
                return  # what is cut off is cut off; the picture's reader says so
            if packet is None:
                return
            if packet.dts is None or packet.pts is None or not packet.size:
                continue
            time = packet.pts * packet.time_base
            if self._begin is not None and time < self._begin:
                continue
            if self._end is None or time < self._end:
                yield packet
