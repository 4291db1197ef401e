"""Stretches of a video file as a Source: what a segment needs of a film."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from masquerade.core.errors import CorruptMediaError
from masquerade.media.containers import reading
from masquerade.media.video_source import VideoSource

if TYPE_CHECKING:
    import av

    from masquerade.media.limits import MediaLimits
    from masquerade.media.segments import SegmentPlan, Stretch

__all__ = ["CutSource"]

_MARGINS_FRAMES = (17, 250, 2500)
"""How far before a stretch reading begins: frames that are stored behind a key frame and shown
before it (at most 16 in H.264 and HEVC) cannot be decoded from that key frame on."""


class CutSource(VideoSource):
    """The frames of some stretches of a film, one after the other, each with the film's own time.

    Pixels, times and colours are those that a VideoSource of the whole film gives.

    Args:
        plan: tells the film.
        stretches: in order of time; None is the whole film.
        frames: how many frames that is, if known.
        limits: the largest frame that is decoded.

    Raises:
        InputError: as for VideoSource.
    """

    def __init__(
        self,
        plan: SegmentPlan,
        stretches: Sequence[Stretch] | None,
        *,
        frames: int | None = None,
        limits: MediaLimits | None = None,
    ) -> None:
        super().__init__(
            plan.path, start_s=plan.start_s, end_s=plan.end_s, fps=plan.rate, limits=limits
        )
        self._cut = stretches is not None
        if stretches is not None:
            self._decoded.close()
            self._decoded = self._cut_out(tuple(stretches))
            self.info = replace(self.info, frame_count=frames, duration_s=None)

    def _with_first(self) -> Iterator[av.VideoFrame]:
        if not self._cut:
            yield self._first
        yield from self._decoded

    def _cut_out(self, stretches: Sequence[Stretch]) -> Generator[av.VideoFrame, None, None]:
        for stretch in stretches:
            yield from self._frames_of(stretch)

    def _frames_of(self, stretch: Stretch) -> Iterator[av.VideoFrame]:
        frames = self._from(stretch.start_pts)
        for frame in frames:
            assert frame.pts is not None
            if stretch.end_pts is not None and frame.pts >= stretch.end_pts:
                return
            if frame.pts >= stretch.start_pts:
                yield frame

    def _from(self, pts: int) -> Iterator[av.VideoFrame]:
        """Decoded frames, the first of them at or before ``pts``."""
        first = min(pts, self.first_pts)
        places = [pts - margin * self._frame_step() for margin in _MARGINS_FRAMES]
        for place in [*(place for place in places if place > first), first]:
            with reading(self.path):
                self._container.seek(place, stream=self._stream, backward=True)
            frames = self._timed_packets()
            frame = next(frames, None)
            if frame is not None and frame.pts is not None and frame.pts <= pts:
                yield frame
                yield from frames
                return
        raise CorruptMediaError(
            f"{self.path} cannot be read from the middle; process it as one segment."
        )

    def _timed_packets(self) -> Iterator[av.VideoFrame]:
        end_s = self.file_end_s
        last = None if end_s is None else round(end_s / self._native_base)
        for frame in self._decode_packets():
            if last is not None and frame.pts is not None and frame.pts >= last:
                return
            if frame.pts is not None:
                yield frame

    def _report_damage(self, end_pts: int) -> None:
        if not self._cut:
            super()._report_damage(end_pts)
        elif self._bad_packets:
            self._note(f"{self.path.name}: {self._bad_packets} damaged packets were skipped.")
