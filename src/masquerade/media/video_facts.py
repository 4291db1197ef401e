"""What a video is made of, as far as a reader and a writer have to know it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import av
from av.stream import Discard, Disposition

from masquerade.core.errors import UnsupportedMediaError
from masquerade.media.colorimetry import ColorTags
from masquerade.media.orientation import Orientation

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.sidedata.sidedata import SideData
    from av.video.stream import VideoStream

__all__ = ["VideoFacts", "find_video_stream"]


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
        transparent: there is an alpha plane, which is not carried over.
    """

    codec: str
    pixel_format: str
    bit_depth: int
    tags: ColorTags
    sample_aspect: Fraction | None
    orientation: Orientation
    interlaced: bool
    transparent: bool

    @classmethod
    def of(cls, frame: av.VideoFrame, stream: VideoStream, path: Path) -> Self:
        """The facts that a video's first decoded frame shows.

        Raises:
            UnsupportedMediaError: HDR with the PQ curve.
        """
        tags = ColorTags.of(frame)
        if tags.hdr == "PQ":
            raise UnsupportedMediaError(
                f"{path} is HDR video with the PQ curve, which is not processed; convert it "
                "to SDR or HLG first."
            )
        turn = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
        orientation = Orientation.from_display_matrix(bytes(turn)) if turn else Orientation()
        aspect = stream.sample_aspect_ratio or None
        if aspect and orientation.transpose:
            aspect = 1 / aspect
        components = frame.format.components
        return cls(
            codec=stream.codec_context.name,
            pixel_format=frame.format.name,
            bit_depth=max(component.bits for component in components),
            tags=tags,
            sample_aspect=aspect,
            orientation=orientation,
            interlaced=frame.interlaced_frame,
            transparent=any(component.is_alpha for component in components),
        )

    def notices(self, name: str) -> list[str]:
        """What the user of a file called ``name`` should be told."""
        told = []
        if self.bit_depth > 8:
            told.append(f"{name} has {self.bit_depth} bits a sample; faces are drawn with 8.")
        if self.interlaced:
            told.append(f"{name} is interlaced; it was deinterlaced.")
        if self.transparent:
            told.append(f"{name} has transparent parts; they become opaque.")
        return told


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
            stream.discard = Discard.all
    return streams[0]
