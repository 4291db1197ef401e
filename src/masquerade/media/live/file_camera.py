"""A video file that plays as if it were a camera."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import UnsupportedMediaError
from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.live.clock import MICROSECONDS, StreamClock
from masquerade.media.live.file_sound import FileSound, has_sound
from masquerade.media.live.paced import Schedule
from masquerade.media.live.view import View
from masquerade.media.open import open_source, open_target
from masquerade.media.sound import Sound
from masquerade.media.video_source import VideoSource

if TYPE_CHECKING:
    from masquerade.media.animation import AnimationSource
    from masquerade.media.live.options import SourceOptions

__all__ = ["FileCamera"]

_LEAD_S = 0.25
_USUAL_RATE = Fraction(25)


class FileCamera(Closing):
    """A video or an animation at its own pace, once or again and again, with its sound.

    Args:
        path: the file.
        options: its rate, where given, replaces the file's own pace; there is no sound then.

    Raises:
        InputError: as :func:`masquerade.media.open.open_source`.
        SettingsError: a crop that lies outside the picture.
    """

    def __init__(self, path: str | Path, options: SourceOptions) -> None:
        self.path, self._options = Path(path), options
        if open_target(self.path, limits=options.limits) == "image":
            raise UnsupportedMediaError(f"{path} is a still picture; give a video or an animation.")
        self._stop, self._busy = threading.Event(), threading.Lock()
        self._clock, self._view = StreamClock(), View(options)
        self._schedule = Schedule(self._stop)
        self._film: VideoSource | AnimationSource | None = self._open()
        self._frames = iter(self._film)
        self._heard: FileSound | None = None
        self._again = False
        self.sound: Sound | None = None
        try:
            if options.rate is None and has_sound(self._film):
                self.sound = Sound()
            self._first: Frame | None = next(self._frames)
            self._view.of(self._first.pixels)
        except BaseException:
            self.close()
            raise
        own = self._film.info.rate or _USUAL_RATE
        assert self._view.size_wh is not None
        rate = options.exact_rate or own
        self.info = SourceInfo(self._view.size_wh, None, rate, None, live=True)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told."""
        return tuple(getattr(self._film, "notices", ()))

    @property
    def status(self) -> str:
        """It never waits."""
        return ""

    @property
    def origin_s(self) -> float | None:
        """The moment of pts 0, seconds of ``time.perf_counter``; None before the first frame."""
        return self._clock.origin_s

    def __iter__(self) -> Iterator[Frame]:
        seq = 0
        for pixels_frame, seconds in self._timed():
            due_s = self._schedule.wait(seconds)
            if self._stop.is_set():
                return
            if due_s is None:
                continue
            pixels = self._view.of(pixels_frame.pixels)
            yield Frame(pixels, seq, self._clock.pts(due_s), MICROSECONDS, due_s)
            seq += 1

    def close(self) -> None:
        """Stop, and release the file; may be called twice and from any thread."""
        self._stop.set()
        with self._busy:  # a frame that is being read is finished first
            if self._film is not None:
                self._film.close()
                self._film = None
            self._end_sound()

    def _open(self) -> VideoSource | AnimationSource:
        return open_source(self.path, limits=self._options.limits)

    def _timed(self) -> Iterator[tuple[Frame, float]]:
        """Frames as often as they are to be played, and when, in seconds from the first one on."""
        begun_s = 0.0
        while not self._stop.is_set():
            last_s, step_s, number = 0.0, 0.0, 0
            first_s: float | None = None
            while (frame := self._next()) is not None:
                first_s = frame.seconds if first_s is None else first_s
                at_s = self._place(frame, number, first_s)
                step_s = at_s - last_s if number else float(1 / (self.info.rate or _USUAL_RATE))
                last_s, number = at_s, number + 1
                self._play(first_s, begun_s, at_s)
                yield frame, begun_s + at_s
            if not self._options.loop or not number:
                return
            begun_s += last_s + step_s
            self._rewind()

    def _place(self, frame: Frame, number: int, first_s: float) -> float:
        rate = self._options.exact_rate
        return frame.seconds - first_s if rate is None else float(number / rate)

    def _next(self) -> Frame | None:
        with self._busy:
            if self._film is None:
                return None
            if self._first is not None:
                frame, self._first = self._first, None
                return frame
            return next(self._frames, None)

    def _rewind(self) -> None:
        with self._busy:
            self._again = True
            if isinstance(self._film, VideoSource):
                self._film.rewind()
            elif self._film is not None:
                self._film.close()
                self._film = self._open()
            if self._film is not None:
                self._frames = iter(self._film)

    def _play(self, first_s: float, begun_s: float, at_s: float) -> None:
        """Give the sound up to a little after second ``at_s`` of this round."""
        if self.sound is None:
            return
        with self._busy:
            if self._heard is None and isinstance(self._film, VideoSource):
                self._heard = FileSound(self._film, self.sound, begun_s - first_s)
            elif self._heard is not None and self._again:
                self._heard.rewind(begun_s - first_s)
            self._again = False
            if self._heard is not None:
                self._heard.play(begun_s + at_s + _LEAD_S)

    def _end_sound(self) -> None:
        if self._heard is not None:
            self._heard.close()
            self._heard = None
