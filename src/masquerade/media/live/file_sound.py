"""The sound of a video file that plays as a camera."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import av.error

from masquerade.core.lifetimes import Closing
from masquerade.media.containers import open_input, reading
from masquerade.media.live.receiver import find_sound
from masquerade.media.video_source import VideoSource

if TYPE_CHECKING:
    import av

    from masquerade.media.sound import Sound

__all__ = ["FileSound", "has_sound"]


def has_sound(film: object) -> bool:
    """Whether a film has sound that can be decoded."""
    if not isinstance(film, VideoSource):
        return False
    with open_input(film.path) as container:
        return find_sound(container) is not None


class FileSound(Closing):
    """Plays the sound of a film from its beginning.

    Args:
        film: whose sound; its own clock is that of its pictures.
        sound: where to.
        offset_s: second of the stream at which second 0 of the film lies.
    """

    def __init__(self, film: VideoSource, sound: Sound, offset_s: float) -> None:
        self._film, self._sound = film, sound
        self._container = open_input(film.path)
        self._begin(offset_s)

    def rewind(self, offset_s: float) -> None:
        """Play it again from its beginning, which is now at second ``offset_s`` of the stream."""
        with reading(self._film.path):
            self._container.seek(self._container.start_time or 0, backward=True)
        self._begin(offset_s)

    def _begin(self, offset_s: float) -> None:
        self._offset_s = offset_s - float(self._film.shift_s)
        self._frames = self._decode()
        self._next: av.AudioFrame | None = next(self._frames, None)

    def play(self, until_s: float) -> None:
        """Give what begins before second ``until_s`` of the stream."""
        while self._next is not None:
            at_s = self._offset_s + (self._next.time or 0.0)
            if at_s >= until_s:
                return
            self._sound.feed(self._next, at_s)
            self._next = next(self._frames, None)

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._next = None
        self._container.close()

    def _decode(self) -> Iterator[av.AudioFrame]:
        """Decoded sound up to the end, or to where the file is damaged."""
        stream = find_sound(self._container)
        if stream is None:
            return
        try:
            for packet in self._container.demux(stream):
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    continue
        except av.error.FFmpegError:
            return
