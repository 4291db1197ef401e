"""Segments of a film joined without encoding anything anew.

The picture's packets are taken as they are and given the film's times again; sound, subtitles,
chapters and tags come from the original, as for a film that was written in one go. The same
segments make the same file each time: nothing in it tells when or by whom it was joined. Its
signature, which does, is put on last.
"""

from __future__ import annotations

import bisect
import contextlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from masquerade.core.errors import InputError, OutputError
from masquerade.media.containers import open_input, reading, writing
from masquerade.media.output_file import OutputFile
from masquerade.media.passengers import Passengers
from masquerade.media.segment_sink import container_of
from masquerade.media.video_facts import find_video_stream
from masquerade.media.xmp_box import append_xmp

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from masquerade.core.disclosure import Disclosure
    from masquerade.media.segments import SegmentPlan

__all__ = ["join_segments"]


def join_segments(
    plan: SegmentPlan,
    files: Sequence[str | Path],
    output: str | Path,
    *,
    disclosure: Disclosure | None = None,
    overwrite: bool = False,
    audio: bool = True,
) -> tuple[str, ...]:
    """Write the film; it appears whole, signed, or not at all.

    Args:
        plan: the film is ``plan.path``.
        files: one for each segment of the plan, in order, as :class:`SegmentSink` has written it.
        output: where to write; the extension chooses the container.
        disclosure: what the film says of its origin; its seal signs it.
        overwrite: whether an existing file may be replaced.
        audio: whether sound is wanted.

    Returns:
        What the user should be told, one sentence each.

    Raises:
        InputError: the original was changed, or a segment is missing, damaged or not of this film.
        OutputError: as for VideoSink.
    """
    output, paths = Path(output), [Path(file) for file in files]
    container = container_of(output)
    plan.check()
    if len(paths) != len(plan.segments):
        raise InputError(
            f"There are {len(paths)} segments for a film of {len(plan.segments)}; run the missing "
            "ones first."
        )
    joint = _Joint(plan, paths)
    file = OutputFile(
        output, overwrite=overwrite, inputs=[plan.path, *paths], disclosure=disclosure
    )
    try:
        with writing(output, "copy"):
            notices = joint.write(file.temporary, container, disclosure, audio=audio)
            if disclosure and container in ("mp4", "mov"):
                append_xmp(file.temporary, disclosure.xmp)
    except BaseException:
        file.abort()
        raise
    file.commit()
    return notices


class _Joint:
    """The picture of all segments as one stream.

    Decoders want packets in another order than that of showing them, and a time at which to take
    each in, which must rise. Each segment has such times of its own, which would overlap at the
    seams where frame times vary; so they are made anew, as encoders make them: the sorted times of
    showing, as many places late as any frame waits.
    """

    def __init__(self, plan: SegmentPlan, paths: Sequence[Path]) -> None:
        self._plan, self._paths = plan, paths
        self._sorted = array("q")
        self._late = 0
        self._extradata: bytes | None = None
        for index, path in enumerate(paths):
            self._survey(index, path)

    def _survey(self, index: int, path: Path) -> None:
        """Take note of the times of one segment, and see whether it fits the others."""
        with reading(path), open_input(path) as container:
            stream = find_video_stream(container, path)
            times = array("q", self._times(index, stream, container.demux(stream)))
            extradata = bytes(stream.codec_context.extradata or b"")
            tags = {key.lower(): value for key, value in container.metadata.items()}
        ranked = sorted(times)
        places = {pts: rank for rank, pts in enumerate(ranked)}
        segment = self._plan.segments[index]
        begin, end = segment.start_pts - self._plan.shift_pts, segment.end_pts
        if (
            tags.get("segment") != self._plan.name_of(index)
            or not ranked
            or len(places) != len(ranked)
            or (len(self._paths) > 1 and abs(ranked[0] - begin) > 1)
            or (end is not None and ranked[-1] >= end - self._plan.shift_pts)
            or (self._sorted and ranked[0] <= self._sorted[-1])
        ):
            raise InputError(f"{path} is not segment {index} of this film; process it anew.")
        if self._extradata not in (None, extradata):
            raise InputError(
                f"{path} was encoded in another way than the segments before it; process them all "
                "with one version and the same options."
            )
        self._extradata = extradata
        self._late = max([self._late, *(n - places[pts] for n, pts in enumerate(times))])
        self._sorted.extend(ranked)

    def _times(
        self, index: int, stream: VideoStream, packets: Iterable[Packet[VideoStream]]
    ) -> Iterator[int]:
        """The film's times of a segment's packets, in the plan's time base, in their order."""
        for packet in packets:
            if packet.size:
                yield self._time(index, stream, packet)

    def _time(self, index: int, stream: VideoStream, packet: Packet[VideoStream]) -> int:
        if packet.pts is None or stream.time_base is None:
            raise ValueError("a packet without a time")
        seconds = packet.pts * stream.time_base
        return round(seconds / self._base) + self._offset(index)

    def _offset(self, index: int) -> int:
        plan = self._plan
        return 0 if len(plan.segments) == 1 else plan.segments[index].start_pts - plan.shift_pts

    @property
    def _base(self) -> Fraction:
        return 1 / self._plan.rate if self._plan.rate else self._plan.base

    def _taken_in(self, place: int) -> int:
        """When the packet at a place is to be decoded."""
        times, late = self._sorted, min(self._late, len(self._sorted) - 1)
        if place >= late:
            return times[place - late]
        return times[place] - (times[late] - times[0])

    def _length(self, pts: int) -> int:
        """How long a frame is shown: until the next one; 0 for the last."""
        after = bisect.bisect_right(self._sorted, pts)
        return self._sorted[after] - pts if after < len(self._sorted) else 0

    def write(
        self, path: Path, container: str, disclosure: Disclosure | None, *, audio: bool
    ) -> tuple[str, ...]:
        """Mux the picture and everything that came with it; returns notices."""
        options = {"fflags": "+bitexact"}
        if container in ("mp4", "mov"):
            options |= {"movflags": "+faststart+use_metadata_tags", "strict": "experimental"}
        target = av.open(
            f"file:{path.absolute()}", "w", format=container, container_options=options
        )
        passengers: Passengers | None = None
        try:
            video = self._add_video(target, container)
            passengers = self._board(target, container, audio)
            if disclosure:
                target.metadata.update(disclosure.tags)
            target.start_encoding()
            for packet, seconds in self._packets(video):
                passengers.advance(seconds)
                target.mux(packet)
            passengers.finish()
            target.close()
            return tuple(passengers.notices)
        except BaseException:
            with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
                target.close()
            raise
        finally:
            if passengers is not None:
                passengers.close()

    def _add_video(self, target: OutputContainer, container: str) -> VideoStream:
        first = self._paths[0]
        with reading(first), open_input(first) as source:
            stream = find_video_stream(source, first)
            try:
                video = target.add_stream_from_template(stream, opaque=True)
            except ValueError as error:
                raise OutputError(
                    f"{container} does not take {stream.codec_context.name}; choose .mkv."
                ) from error
            video.time_base = self._base
            if stream.sample_aspect_ratio:
                video.sample_aspect_ratio = stream.sample_aspect_ratio
            hevc = stream.codec_context.name == "hevc" and container in ("mp4", "mov")
            video.codec_context.codec_tag = "hvc1" if hevc else "\0\0\0\0"
        return video

    def _board(self, target: OutputContainer, container: str, audio: bool) -> Passengers:
        plan = self._plan
        shift_s = plan.shift_pts * plan.base
        end_s = None
        if plan.end_s is not None:
            end_s = shift_s - Fraction(plan.start_s) + Fraction(plan.end_s)
        return Passengers(
            Path(plan.path),
            target,
            container,
            audio=audio,
            shift_s=shift_s,
            begin_s=shift_s if plan.start_s else None,
            end_s=end_s,
        )

    def _packets(self, video: VideoStream) -> Iterator[tuple[Packet[VideoStream], float]]:
        """The picture's packets with the film's times, each with that of decoding in seconds."""
        place = 0
        for index, path in enumerate(self._paths):
            with reading(path), open_input(path) as container:
                stream = find_video_stream(container, path)
                for packet in container.demux(stream):
                    if not packet.size:
                        continue
                    own = (packet.duration or 0) * (stream.time_base or 0) / self._base
                    packet.pts = self._time(index, stream, packet)
                    packet.dts = self._taken_in(place)
                    packet.duration = self._length(packet.pts) or round(own)
                    packet.time_base, packet.stream = self._base, video
                    yield packet, float(packet.dts * self._base)
                    place += 1
