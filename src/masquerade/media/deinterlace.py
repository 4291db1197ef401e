"""Interlaced frames into whole ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import av.error
from av.filter import Graph

__all__ = ["Deinterlacer"]


class Deinterlacer:
    """FFmpeg's bwdif at frame rate; frames that are not marked interlaced pass untouched."""

    def __init__(self, first: av.VideoFrame, time_base: Fraction) -> None:
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=time_base
        )
        filters = self._graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = self._graph.add("buffersink")
        source.link_to(filters)
        filters.link_to(sink)
        self._graph.configure()

    def run(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The same frames, each with both fields' lines from its own moment."""
        for frame in frames:
            self._graph.vpush(frame)
            yield from self._ready()
        self._graph.vpush(None)
        yield from self._ready()

    def _ready(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
