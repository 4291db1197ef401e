"""A video file as a Source."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np

from masquerade.core.errors import CorruptMediaError, SettingsError
from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.colorimetry import BgrReader
from masquerade.media.containers import open_input, reading
from masquerade.media.deinterlace import Deinterlacer
from masquerade.media.limits import MediaLimits
from masquerade.media.native_frame import PLANAR, turned
from masquerade.media.originals import Originals
from masquerade.media.resample import resampled
from masquerade.media.video_facts import VideoFacts, find_video_stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NativeFrame", "VideoSource"]


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


_LARGEST_OFFSET_S = 1
"""A start later than this is a foreign clock; up to this it belongs to the film."""


class VideoSource(Closing):
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
        MediaLimitError: frames larger than ``limits``; while reading, more of them.
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
        self.natives: Originals[NativeFrame] = Originals()
        self._bad_packets = 0
        self._closed = False
        self._container = open_input(self.path)
        try:
            self._stream = find_video_stream(self._container, self.path)
            context = self._stream.codec_context
            limits = self._limits = limits or MediaLimits()
            limits.check_picture(context.width, context.height, str(path))
            # A stream may change its size midway; the decoder refuses what is too large.
            context.options = {"max_pixels": str(limits.max_pixels)}
            self._stream.thread_type = "AUTO"
            self._native_base = self._stream.time_base or Fraction(1, 1000)
            self._origin = self._find_origin()
            self._shift = round(self.shift_s / self._native_base)
            self._decoded = self._decode()
            self._first = self._read_first()
            self.facts = VideoFacts.of(self._first, self._stream, self.path)
            self._notices += self.facts.notices(self.path.name)
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

    @property
    def first_pts(self) -> int:
        """Time of the first frame by the file's own clock, in units of the video's time base."""
        return self._first.pts or 0

    @property
    def file_end_s(self) -> Fraction | None:
        """Where reading stops by the file's own clock, in seconds; None at its end."""
        if self.end_s is None:
            return None
        return self._origin * self._native_base + Fraction(self.end_s)

    def __iter__(self) -> Iterator[Frame]:
        timed: Iterator[_Timed] = self._timed()
        if self._fps is not None:
            timed = resampled(timed, self._native_base, self._fps)
        for seq, item in enumerate(timed):
            self._limits.check_frames(seq + 1, self.path)
            if item.planes is not None:
                self.natives.put(seq, NativeFrame(item.planes, item.pixels, item.duration))
            yield Frame(item.pixels, seq, item.pts, self.time_base)
            if self._closed:
                return

    def rewind(self) -> None:
        """Begin anew with the first frame; iterate again afterwards.

        Better than another VideoSource for a film that is played again and again: PyAV's
        containers refer to themselves, so what one held is free only when Python has looked for
        such circles, and while a stream runs it seldom does.

        Raises:
            InputError: the file cannot be read from its beginning again.
        """
        self._decoded.close()
        self.natives.clear()
        with reading(self.path):
            self._container.seek(self._stream.start_time or 0, stream=self._stream, backward=True)
        self._bad_packets = 0
        self._decoded = self._decode()
        self._first = self._read_first()

    def close(self) -> None:
        """Release the file and the decoder's threads; may be called twice."""
        if not self._closed:
            self._closed = True
            self._decoded.close()
            self._container.close()
            self.natives.clear()

    # Reading

    def _find_origin(self) -> int:
        """Where second 0 of the file lies, in units of the video's time base."""
        start = self._container.start_time
        seconds = Fraction(start, av.time_base) if start is not None else Fraction(0)
        return round(seconds / self._native_base)

    @property
    def shift_s(self) -> Fraction:
        """What is taken off every timestamp of the file, in seconds.

        Nothing as a rule. With a trimmed start the time up to there; and of streams cut from a
        broadcast, whose clock began long before, the time of their first moment.
        """
        origin = self._origin * self._native_base
        if self.start_s:
            return origin + Fraction(self.start_s)
        return origin if origin > _LARGEST_OFFSET_S else Fraction(0)

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        """Decoded frames of the wanted stretch, as stored, with a timestamp each."""
        container, stream = self._container, self._stream
        first = self._shift if self.start_s else None
        end_s = self.file_end_s
        last = None if end_s is None else round(end_s / self._native_base)
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
            self._limits.check_seconds((frame.pts - self._shift) * self._native_base, self.path)
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
            self._note(f"{self.path.name}: {self._bad_packets} damaged packets were skipped.")
        whole = self._length_s()
        if whole is None or self.end_s is not None:
            return
        start = self._stream.start_time or 0
        missing = whole - float((end_pts - start) * self._native_base)
        if missing > max(1.0, 0.02 * whole):
            self._note(
                f"{self.path.name} is cut off: the last {missing:.1f} of {whole:.1f} s are missing."
            )

    def _note(self, text: str) -> None:
        if text not in self._notices:  # a film that is played again says it once
            self._notices.append(text)
