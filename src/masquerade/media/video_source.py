"""A video file as a Source."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import av
import av.error
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition

from masquerade.core.errors import CorruptMediaError, SettingsError, UnsupportedMediaError
from masquerade.core.frame import Frame
from masquerade.core.protocols import SourceInfo
from masquerade.media.colorimetry import BgrReader, ColorTags
from masquerade.media.containers import open_input, reading
from masquerade.media.deinterlace import Deinterlacer
from masquerade.media.limits import MediaLimits
from masquerade.media.native_frame import PLANAR, turned
from masquerade.media.orientation import Orientation
from masquerade.media.resample import resampled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.container import InputContainer
    from av.sidedata.sidedata import SideData
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

__all__ = ["NativeFrame", "VideoFacts", "VideoSource", "find_video_stream"]


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video is made of, as far as a writer has to know it.

    Attributes:
        codec: name of the decoder.
        pixel_format: FFmpeg's name of the decoded frames' format.
        bit_depth: bits of one sample.
        tags: colour tags.
        sample_aspect: width to height of one pixel, after rotation; None unknown (square).
        orientation: how stored frames become upright ones; frames leave the source upright.
        interlaced: fields are joined to whole frames by the source.
    """

    codec: str
    pixel_format: str
    bit_depth: int
    tags: ColorTags
    sample_aspect: Fraction | None
    orientation: Orientation
    interlaced: bool


@dataclass(frozen=True, slots=True)
class NativeFrame:
    """A frame before it was converted.

    Attributes:
        planes: the decoder's planes, upright.
        pixels: its BGR pixels, uint8 (H, W, 3).
        duration: how long it lasts, in the source's time base.
    """

    planes: av.VideoFrame
    pixels: NDArray[np.uint8]
    duration: int


@dataclass(frozen=True, slots=True)
class _Timed:
    """A decoded frame (upright planes), its pixels, its time and how long it lasts."""

    planes: av.VideoFrame | None
    pixels: NDArray[np.uint8]
    pts: int
    duration: int


class VideoSource:
    """The frames of a video file, upright, in order, each with the file's own timestamp.

    Frames of a video whose size changes midway are scaled to the size of the first. Interlaced
    video is deinterlaced at its frame rate. Damaged packets are skipped and reported in
    ``notices``, as is an end that is missing.

    Args:
        path: the file.
        start_s: seconds to skip at the start; timestamps then count from there.
        end_s: seconds from the start of the file at which to stop; None is the end.
        fps: resample to a constant rate by timestamps; None keeps every frame and its time.
        limits: the largest frame that is decoded.

    Raises:
        MissingInputError: no such file.
        UnsupportedMediaError: no video in it, PQ-coded HDR, or a pixel format that is unknown.
        CorruptMediaError: truncated or damaged so that no frame can be read.
        MediaLimitError: frames larger than ``limits``.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        start_s: float = 0.0,
        end_s: float | None = None,
        fps: float | Fraction | None = None,
        limits: MediaLimits | None = None,
    ) -> None:
        self.path = Path(path)
        self.start_s, self.end_s = start_s, end_s
        self._fps = None if fps is None else Fraction(fps).limit_denominator(1001)
        self._notices: list[str] = []
        self._natives: dict[int, NativeFrame] | None = None
        self._natives_lock = threading.Lock()
        self._bad_packets = 0
        self._closed = False
        self._container = open_input(self.path)
        try:
            self._stream = find_video_stream(self._container, self.path)
            context = self._stream.codec_context
            (limits or MediaLimits()).check_picture(context.width, context.height, str(path))
            self._stream.thread_type = "AUTO"
            self._native_base = self._stream.time_base or Fraction(1, 1000)
            self._origin = self._find_origin()
            self._decoded = self._decode()
            self._first = self._read_first()
            self.facts = self._find_facts(self._first)
            self._reader = BgrReader(self.facts.tags, self.facts.pixel_format)
            width, height = self._first.width, self._first.height
            if self.facts.orientation.transpose:
                width, height = height, width
            self.info = self._describe(width, height)
        except BaseException:
            self._container.close()
            raise

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of the frames' ``pts``."""
        return 1 / self._fps if self._fps else self._native_base

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told; complete once the last frame has been read."""
        return tuple(self._notices)

    def keep_natives(self) -> None:
        """Keep each frame's own planes until :meth:`take_native` asks for them."""
        self._natives = {}

    def take_native(self, seq: int) -> NativeFrame | None:
        """The planes behind frame ``seq``, once; forgets every frame before it, too."""
        if self._natives is None:
            return None
        with self._natives_lock:
            for older in [key for key in self._natives if key < seq]:
                del self._natives[older]
            return self._natives.pop(seq, None)

    def __iter__(self) -> Iterator[Frame]:
        timed: Iterator[_Timed] = self._timed()
        if self._fps is not None:
            timed = resampled(timed, self._native_base, self._fps)
        for seq, item in enumerate(timed):
            if self._natives is not None and item.planes is not None:
                with self._natives_lock:
                    self._natives[seq] = NativeFrame(item.planes, item.pixels, item.duration)
            yield Frame(item.pixels, seq, item.pts, self.time_base)
            if self._closed:
                return

    def close(self) -> None:
        """Release the file and the decoder's threads; may be called twice."""
        if not self._closed:
            self._closed = True
            self._decoded.close()
            self._container.close()
            self._natives = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    # Reading

    def _find_origin(self) -> int:
        """Where second 0 of the file lies, in units of the video's time base."""
        start = self._container.start_time
        seconds = Fraction(start, av.time_base) if start is not None else Fraction(0)
        return round(seconds / self._native_base)

    @property
    def _shift(self) -> int:
        """What is taken off every timestamp: nothing, unless the start is trimmed."""
        if not self.start_s:
            return 0
        return self._origin + round(Fraction(self.start_s) / self._native_base)

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        """Decoded frames of the wanted stretch, as stored, with a timestamp each."""
        container, stream = self._container, self._stream
        first = self._shift if self.start_s else None
        last = None
        if self.end_s is not None:
            last = self._origin + round(Fraction(self.end_s) / self._native_base)
        if first is not None:
            with reading(self.path):
                container.seek(first, stream=stream, backward=True)
        previous: int | None = None
        step = self._frame_step()
        for frame in self._decode_packets():
            pts = frame.pts
            if pts is None or (previous is not None and pts <= previous):
                pts = 0 if previous is None else previous + (step if pts is None else 1)
                frame.pts = pts
            previous = pts
            if last is not None and pts >= last:
                return
            if first is None or pts >= first:
                yield frame

    def _decode_packets(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.InvalidDataError:
                self._bad_packets += 1
                continue
            except av.error.FFmpegError as error:
                with reading(self.path):
                    raise error
            yield from frames

    def _frame_step(self) -> int:
        rate = self._stream.average_rate or Fraction(25)
        return max(1, round(1 / (rate * self._native_base)))

    def _read_first(self) -> av.VideoFrame:
        frame = next(self._decoded, None)
        if frame is None:
            if self.start_s:
                raise SettingsError(
                    f"trim start ({self.start_s:g} s) lies behind the end of {self.path}; choose "
                    "an earlier one."
                )
            raise CorruptMediaError(
                f"{self.path} holds no readable frame: it is damaged or cut off; get it again "
                "from where it came."
            )
        return frame

    def _find_facts(self, frame: av.VideoFrame) -> VideoFacts:
        tags = ColorTags.of(frame)
        if tags.hdr == "PQ":
            raise UnsupportedMediaError(
                f"{self.path} is HDR video with the PQ curve, which is not processed; convert it "
                "to SDR or HLG first."
            )
        orientation = Orientation()
        for item in cast("Iterable[SideData]", frame.side_data):
            if item.type == SideDataType.DISPLAYMATRIX:
                orientation = Orientation.from_display_matrix(bytes(item))
        aspect = self._stream.sample_aspect_ratio or None
        if aspect and orientation.transpose:
            aspect = 1 / aspect
        depth = max(component.bits for component in frame.format.components)
        if depth > 8:
            self._notices.append(
                f"{self.path.name} has {depth} bits a sample; faces are drawn with 8."
            )
        interlaced = frame.interlaced_frame
        if interlaced:
            self._notices.append(f"{self.path.name} is interlaced; it was deinterlaced.")
        return VideoFacts(
            codec=self._stream.codec_context.name,
            pixel_format=frame.format.name,
            bit_depth=depth,
            tags=tags,
            sample_aspect=aspect,
            orientation=orientation,
            interlaced=interlaced,
        )

    def _describe(self, width: int, height: int) -> SourceInfo:
        rate = self._fps or self._stream.average_rate or self._stream.guessed_rate
        whole = self._length_s()
        duration = whole
        if whole is not None:
            end = whole if self.end_s is None else min(self.end_s, whole)
            duration = max(0.0, end - self.start_s)
        trimmed = self.start_s or self.end_s is not None or self._fps
        count: int | None = self._stream.frames or None
        if count is None or trimmed:
            count = round(duration * float(rate)) if duration and rate else None
        return SourceInfo((width, height), count, rate, duration)

    def _length_s(self) -> float | None:
        if self._stream.duration:
            return float(self._stream.duration * self._native_base)
        if self._container.duration:
            return self._container.duration / av.time_base
        return None

    # Frames

    def _timed(self) -> Iterator[_Timed]:
        """Upright frames with their pixels; the length of each comes from the one behind it."""
        frames = self._with_first()
        if self.facts.interlaced:
            frames = Deinterlacer(self._first, self._native_base).run(frames)
        step, end_pts = self._frame_step(), 0
        for frame in frames:
            assert frame.pts is not None
            planes, pixels = self._convert(frame)
            length = frame.duration or step
            end_pts = frame.pts + length
            yield _Timed(planes, pixels, frame.pts - self._shift, length)
        self._report_damage(end_pts)

    def _with_first(self) -> Iterator[av.VideoFrame]:
        yield self._first
        yield from self._decoded

    def _convert(self, frame: av.VideoFrame) -> tuple[av.VideoFrame | None, NDArray[np.uint8]]:
        first, orientation = self._first, self.facts.orientation
        with reading(self.path):
            if (frame.width, frame.height, frame.format.name) != (
                first.width,
                first.height,
                self.facts.pixel_format,
            ):
                frame = frame.reformat(first.width, first.height, self.facts.pixel_format)
            if frame.format.name not in PLANAR:
                return None, orientation.upright(self._reader.read(frame))
            if not orientation.is_upright:
                frame = turned(frame, orientation)
            return frame, self._reader.read(frame)

    def _report_damage(self, end_pts: int) -> None:
        if self._bad_packets:
            self._notices.append(
                f"{self.path.name}: {self._bad_packets} damaged packets were skipped."
            )
        whole = self._length_s()
        if whole is None or self.end_s is not None:
            return
        start = self._stream.start_time or 0
        missing = whole - float((end_pts - start) * self._native_base)
        if missing > max(1.0, 0.02 * whole):
            self._notices.append(
                f"{self.path.name} is cut off: the last {missing:.1f} of {whole:.1f} s are missing."
            )


def find_video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first video that is no cover picture; every other stream is skipped when reading."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic and stream.codec_context
    ]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams})
        what = "only sound" if "audio" in kinds else "no video"
        raise UnsupportedMediaError(f"{path} holds {what}; choose a picture or a video.")
    for stream in container.streams:
        if stream is not streams[0]:
            stream.discard = av.stream.Discard.all
    return streams[0]
