"""A video file as a Sink."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
from av.codec.context import Flags
from av.video.reformatter import VideoReformatter

from masquerade.core.errors import EncoderError, OutputError
from masquerade.core.lifetimes import Committing
from masquerade.media.colorimetry import BgrWriter, ColorTags
from masquerade.media.containers import VIDEO_EXTENSIONS, writing
from masquerade.media.encoders import Encoder, VideoOptions, find_encoder
from masquerade.media.image_write import unknown_extension
from masquerade.media.native_frame import PLANAR, base_name, copied, mended, planes, white
from masquerade.media.output_file import OutputFile
from masquerade.media.passengers import Passengers
from masquerade.media.scheduling import usual_priority
from masquerade.media.video_facts import VideoFacts
from masquerade.media.video_source import NativeFrame, VideoSource
from masquerade.media.xmp_box import append_xmp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from masquerade.core.disclosure import Disclosure
    from masquerade.core.frame import Frame
    from masquerade.core.protocols import Source

__all__ = ["VideoSink"]

# x265 writes beyond its buffers for pictures smaller than one of its blocks: 33x47 and 34x48
# ended the program each time, 62x62 and larger never did (under glibc's heap checks).
_SMALLEST_FOR_X265_PX = 64
_FREE_CLOCK = Fraction(1, 90_000)


class VideoSink(Committing):
    """Writes frames to a video file, with the sound and the subtitles of the source.

    The frames are written upright and of their exact size, with the source's timestamps, pixel
    aspect and colour tags. Where the source is a VideoSource the planes of the decoder are
    written for all pixels that did not change, so that they are not converted to BGR and back.

    Args:
        path: where to write; the extension chooses the container.
        source: where the frames come from: gives size, rate and, if it is a VideoSource, sound,
            subtitles, chapters and colour.
        options: encoder, quality, preset, sound. Without an encoder HDR is written by one that
            keeps 10 bits.
        disclosure: written as tags of the container, in MP4 and MOV as XMP too; its mark is put
            into every frame's luminance, the chroma is left as it is.
        overwrite: whether an existing file may be replaced.
        inputs: further files that must not be the output.

    Raises:
        EncoderError: an unknown encoder, one that does not work here or not for this video.
        OutputExistsError: the file exists and ``overwrite`` is False.
        OutputError: unknown extension, unwritable folder, the output is the input.
    """

    def __init__(
        self,
        path: str | Path,
        source: Source,
        options: VideoOptions | None = None,
        *,
        disclosure: Disclosure | None = None,
        overwrite: bool = False,
        inputs: Iterable[str | Path] = (),
    ) -> None:
        self.path = Path(path)
        self._options = options or VideoOptions()
        self._disclosure = disclosure
        self._mark = disclosure.mark if disclosure else None
        container = VIDEO_EXTENSIONS.get(self.path.suffix.lower())
        if container is None:
            raise unknown_extension(self.path, VIDEO_EXTENSIONS)
        self._container_name = container
        self._notices: list[str] = []
        self._video = source if isinstance(source, VideoSource) else None
        self._facts = self._video.facts if self._video else None
        self._encoder = self._find_encoder()
        width, height = source.info.size_wh
        self._tags = self._facts.tags if self._facts else ColorTags.for_size(width, height)
        self._format = self._pixel_format(width, height)
        self._writer = BgrWriter(self._tags, self._format)
        self._reformatter = VideoReformatter()
        self._passengers: Passengers | None = None
        self._frames = 0
        read = [*inputs, *([self._video.path] if self._video else [])]
        self._file = OutputFile(self.path, overwrite=overwrite, inputs=read, disclosure=disclosure)
        try:
            with self._writing():
                self._open(source, width, height)
        except BaseException:
            self.abort()
            raise
        if self._video is not None and self._can_mend():
            self._video.natives.want()

    @property
    def encoder_name(self) -> str:
        """Name of the encoder in use, as FFmpeg knows it."""
        return self._encoder.name

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told of the output."""
        carried = self._passengers.notices if self._passengers else []
        return (*self._notices, *carried)

    # Setting up

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return writing(self.path, self._encoder.name)

    def _find_encoder(self) -> Encoder:
        name = self._options.encoder
        if name is None and self._facts and self._facts.tags.hdr:
            name = "libsvtav1" if self._container_name == "webm" else "libx265"
            self._notices.append(f"The video is HDR, so {name} is used, which keeps 10 bits.")
        return find_encoder(name, self._container_name)

    def _pixel_format(self, width: int, height: int) -> str:
        """The pixel format to encode: 4:2:0 for all players, or the source's own if lossless."""
        encoder, facts = self._encoder, self._facts
        known = {item.name for item in av.Codec(encoder.name, "w").video_formats or ()}
        odd = width % 2 or height % 2
        deep = bool(facts and facts.bit_depth > 8)
        own = base_name(facts.pixel_format) if facts else ""
        if encoder.is_lossless(self._options.quality) and own in known and own in PLANAR:
            return own
        keeps = encoder.keeps_10_bit and deep
        if deep and not keeps:
            self._depth_lost(facts)
        wanted = ("yuv444p" if odd else "yuv420p") + ("10le" if keeps else "")
        tiny = encoder.name == "libx265" and min(width, height) < _SMALLEST_FOR_X265_PX
        if wanted not in known or tiny or (odd and encoder.name == "libsvtav1"):
            raise EncoderError(
                f"{encoder.name} cannot write {width}x{height} video; choose libx264 or libvpx-vp9."
            )
        return wanted

    def _depth_lost(self, facts: VideoFacts | None) -> None:
        assert facts is not None
        if facts.tags.hdr:
            raise EncoderError(
                f"The video is HDR ({facts.tags.hdr}) and {self._encoder.name} is used with 8 "
                "bits here; choose libx265 or libsvtav1."
            )
        self._notices.append(
            f"{self._encoder.name} writes 8 bits a sample; libx265 or libsvtav1 keep "
            f"{min(facts.bit_depth, 10)}."
        )

    def _can_mend(self) -> bool:
        assert self._facts is not None
        return self._facts.pixel_format in PLANAR and self._format in PLANAR

    def _open(self, source: Source, width: int, height: int) -> None:
        options = {}
        if self._container_name in ("mp4", "mov"):
            # Without the second flag the muxer drops every key it does not know.
            options = {"movflags": "+faststart+use_metadata_tags", "strict": "experimental"}
        self._output: OutputContainer = av.open(
            f"file:{self._file.temporary.absolute()}",
            "w",
            format=self._container_name,
            container_options=options,
        )
        self._info, self._rate = source.info, source.info.rate or Fraction(25)
        self._time_base = self._video.time_base if self._video else _FREE_CLOCK
        self._stream = self._add_video(self._rate, width, height)
        self._passengers = self._board()
        if self._disclosure:
            self._output.metadata.update(self._disclosure.tags)
        with usual_priority():
            self._stream.codec_context.open()
        self._output.start_encoding()

    def _board(self) -> Passengers | None:
        """What comes along with the picture."""
        if self._video is None:
            return None
        return Passengers(
            self._video.path,
            self._output,
            self._container_name,
            audio=not self._options.no_audio,
            shift_s=self._video.shift_s,
            begin_s=self._video.shift_s if self._video.start_s else None,
            end_s=self._video.file_end_s,
        )

    def _add_video(self, rate: Fraction, width: int, height: int) -> VideoStream:
        encoder: Encoder = self._encoder
        options = self._options
        settings = encoder.options(options.quality, options.preset, options.encoder_threads)
        stream = self._output.add_stream(encoder.name, rate=rate, options=settings)
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, self._format
        stream.time_base = context.time_base = self._time_base
        context.flags |= Flags.frame_duration
        self._tags.mark(context)
        aspect = self._facts.sample_aspect if self._facts else None
        if aspect and aspect != 1:
            stream.sample_aspect_ratio = context.sample_aspect_ratio = aspect
        if encoder.family == "hevc" and self._container_name in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # Apple's players know HEVC by this tag alone
        return stream

    # The Sink protocol

    def write(self, frame: Frame) -> None:
        """Encode one finished frame.

        Raises:
            OutputError: the encoder failed, the disk is full.
        """
        if frame.pts is None:
            raise OutputError("A frame without a time cannot be written to a video.")
        native = self._video.natives.take(frame.seq) if self._video else None
        with self._writing():
            encoded = self._planes(frame, native)
            if self._mark is not None:
                self._mark.add(planes(encoded)[0], white(self._format))
            encoded.pts = round(frame.pts * frame.time_base / self._time_base)
            encoded.duration = native.duration if native else self._duration(frame)
            encoded.time_base = self._time_base
            encoded.pict_type = 0
            self._tags.mark(encoded)
            if self._passengers:
                self._passengers.advance(frame.seconds)
            self._output.mux(self._stream.encode(encoded))
        self._frames += 1

    def _duration(self, frame: Frame) -> int:
        """How long a frame lasts: the source's rate, but to the very end for the last one."""
        seconds = 1 / self._rate
        if frame.seq + 1 == self._info.frame_count and self._info.duration_s:
            rest = Fraction(self._info.duration_s - frame.seconds)
            seconds = rest if rest > 0 else seconds
        return max(1, round(seconds / self._time_base))

    def _planes(self, frame: Frame, native: NativeFrame | None) -> av.VideoFrame:
        if native is None:
            return self._writer.write(frame.pixels)
        if frame.pixels is native.pixels and native.planes.format.name == self._format:
            return native.planes if self._mark is None else self._copied(native.planes)
        return mended(native.planes, native.pixels, frame.pixels, self._writer, self._reformatter)

    def _copied(self, frame: av.VideoFrame) -> av.VideoFrame:
        return copied(frame, self._format, self._reformatter)

    def commit(self) -> None:
        """Finish the file and put it in its place.

        Raises:
            OutputError: no frame was written, the disk is full, the name was taken meanwhile.
        """
        try:
            if not self._frames:
                raise OutputError(f"No frame was written to {self.path}; the input was empty.")
            with self._writing():
                self._output.mux(self._stream.encode(None))
                if self._passengers:
                    self._passengers.finish()
                self._output.close()
                self._append_xmp()
        except BaseException:
            self.abort()
            raise
        self._release()
        self._file.commit()

    def abort(self) -> None:
        """Remove what was begun; does nothing after a commit."""
        # The name goes first where the system allows it, so that an interrupted program leaves
        # nothing; closing writes an index, which may fail on a full disk.
        with contextlib.suppress(OSError):
            self._file.temporary.unlink()
        if hasattr(self, "_output"):
            with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
                self._output.close()
        self._release()
        self._file.abort()

    def _release(self) -> None:
        if self._passengers:
            self._passengers.close()

    def _append_xmp(self) -> None:
        if not self._disclosure or self._container_name not in ("mp4", "mov"):
            return
        append_xmp(self._file.temporary, self._disclosure.xmp)
