"""A film's key frames as small pictures: a glance at all of it for little work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np

from masquerade.media.containers import open_input, reading
from masquerade.media.video_facts import find_video_stream

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from masquerade.media.segments import SegmentPlan

__all__ = ["key_frames"]

_SIZE_WH = (128, 72)


def key_frames(plan: SegmentPlan) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Every key frame of the film's wanted stretch; the frames between are not decoded.

    Args:
        plan: tells the film.

    Yields:
        Its time, the file's own as in a plan, and uint8 (72, 128, 3) BGR, stretched to that.

    Raises:
        InputError: the file cannot be read.
    """
    path, last = Path(plan.path), None
    with reading(path), open_input(path) as container:
        stream = find_video_stream(container, path)
        if plan.end_s is not None:
            last = (container.start_time or 0) / av.time_base + plan.end_s
        first = plan.segments[0].start_pts
        stream.thread_type = "NONE"
        container.seek(first, stream=stream, backward=True)
        for packet in container.demux(stream):
            if not packet.is_keyframe:
                continue
            for frame in _alone(packet, stream.codec_context):
                if frame.pts is None or frame.pts < first:
                    continue
                if last is not None and frame.pts * plan.base >= last:
                    return
                small = frame.reformat(*_SIZE_WH, format="bgr24").to_ndarray()
                yield frame.pts, np.asarray(small, np.uint8)


def _alone(packet: Packet[VideoStream], decoder: VideoCodecContext) -> list[VideoFrame]:
    """What a packet shows without those behind it; nothing where it is damaged, which whoever
    decodes the film in full tells."""
    try:
        return [*decoder.decode(packet), *decoder.decode(None)]
    except av.error.FFmpegError:
        return []
    finally:
        decoder.flush_buffers()
