"""One segment's picture as a file of its own, to be joined with the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.media.containers import VIDEO_EXTENSIONS
from masquerade.media.encoders import Encoder, VideoOptions
from masquerade.media.image_write import unknown_extension
from masquerade.media.passengers import Passengers
from masquerade.media.video_sink import VideoSink

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.frame import Frame
    from masquerade.media.video_source import VideoSource

__all__ = ["SegmentSink", "container_of"]

_THREADS = 1
"""Of the encoder. A fixed number, so that a segment's bytes do not depend on whose machine made it;
and no more, since segments are what is worked on side by side."""


def container_of(output: str | Path) -> str:
    """FFmpeg's name of the muxer of a film's file.

    Raises:
        OutputError: the extension is unknown.
    """
    found = VIDEO_EXTENSIONS.get(Path(output).suffix.lower())
    if found is None:
        raise unknown_extension(Path(output), VIDEO_EXTENSIONS)
    return found


class SegmentSink(VideoSink):
    """Writes the frames of one segment, and nothing else of the film.

    The file is MP4, whose times are exact, and begins at 0; Matroska for FFV1, which MP4 does not
    take. Without ``encoder_threads`` the encoder has one thread.

    Args:
        path: where to write; what is there is replaced.
        source: gives the frames.
        options: as for VideoSink.
        film: what the joined film will be called: its extension chooses the encoder where the
            options do not.
        start_pts: the time that becomes 0, in the source's time base.
        run_up: whether frames before that time may come, which are not written.
        name: what it is, as ``SegmentPlan.name_of`` says it; whoever joins it looks at that.
        disclosure: of the film; its mark is put into the pictures.

    Raises:
        OutputError: as for VideoSink.
    """

    def __init__(
        self,
        path: str | Path,
        source: VideoSource,
        options: VideoOptions | None = None,
        *,
        film: str | Path,
        start_pts: int = 0,
        run_up: bool = False,
        name: str = "",
        disclosure: Disclosure | None = None,
    ) -> None:
        self._film, self._start, self._run_up = container_of(film), start_pts, run_up
        options = options or VideoOptions()
        options = replace(options, encoder_threads=options.encoder_threads or _THREADS)
        if disclosure is not None:  # what else it says is said of the film when that is joined
            disclosure = replace(disclosure, xmp=b"", tags={}, seal=None)
        self._name = name
        super().__init__(path, source, options, overwrite=True, disclosure=disclosure)

    @staticmethod
    def suffix(options: VideoOptions | None) -> str:
        """The extension of a segment's file."""
        return ".mkv" if options is not None and options.encoder == "ffv1" else ".mp4"

    def _find_encoder(self) -> Encoder:
        own, self._container_name = self._container_name, self._film
        try:
            return super()._find_encoder()
        finally:
            self._container_name = own

    def _board(self) -> Passengers | None:
        self._output.metadata["segment"] = self._name
        return None

    def _append_xmp(self) -> None:
        return

    def write(self, frame: Frame) -> None:
        """Encode one finished frame, unless it belongs to the run-up.

        Raises:
            OutputError: the encoder failed, the disk is full.
        """
        assert frame.pts is not None
        if self._run_up and frame.pts < self._start:
            return
        super().write(replace(frame, pts=frame.pts - self._start))
