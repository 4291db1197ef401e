"""A camera, a screen or a stream from the network as a Source."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import av.error

from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.live.clock import MICROSECONDS, Rhythm, StreamClock
from masquerade.media.live.pictures import Pictures
from masquerade.media.live.reader import Attempt, LiveInput, Reader
from masquerade.media.live.receiver import Receiver, find_sound, find_video
from masquerade.media.live.slot import Slot
from masquerade.media.live.view import View
from masquerade.media.sound import Sound

if TYPE_CHECKING:
    from av.container import InputContainer

    from masquerade.core.errors import InputError
    from masquerade.media.live.options import SourceOptions

__all__ = ["CaptureInput", "CaptureSource"]

_USUAL_RATE = Fraction(30)
_TOP_RATE = 240


class CaptureInput(LiveInput, Protocol):
    """An input with pictures."""

    def paced(self, format_name: str, duration: int | None) -> bool:
        """Whether pictures come faster than they are to be shown."""
        ...

    def ends(self, format_name: str, duration: int | None) -> bool:
        """Whether the end of the input is the end of the stream."""
        ...

    def without_picture(self, what: str) -> InputError:
        """One sentence: ``what`` is sent instead of a picture."""
        ...


class CaptureSource(Closing):
    """The newest picture of an input, again and again.

    The input is read in a thread called ``masquerade-source``, as fast as it comes, so that
    nothing waits in its buffers; a picture that is not fetched before the next one comes is
    forgotten.

    Args:
        source: what is read.
        options: how it is opened and turned.
        cropped: the input crops by itself.

    Raises:
        InputError: it cannot be opened, or no picture comes in time.
        MediaLimitError: its pictures are larger than the limit.
        SettingsError: a crop that lies outside the picture.
    """

    def __init__(
        self, source: CaptureInput, options: SourceOptions, *, cropped: bool = False
    ) -> None:
        self._source, self._options = source, options
        self._view = View(options, cropped=cropped)
        self._pictures = Pictures(self._view)
        self._slot, self._clock = Slot(), StreamClock()
        self._rhythm = Rhythm(options.exact_rate)
        self._rate: Fraction | None = None
        self._count = 0
        self.sound: Sound | None = None
        self._reader = Reader(
            source,
            self._receive,
            thread="masquerade-source",
            open_s=options.open_s,
            stall_s=options.stall_s,
        )
        self._reader.start()
        try:
            self.info = self._describe()
        except BaseException:
            self.close()
            raise

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should be told."""
        return ()

    @property
    def status(self) -> str:
        """What it is waiting for; empty while pictures come."""
        return self._reader.status

    @property
    def origin_s(self) -> float | None:
        """The moment of pts 0, seconds of ``time.perf_counter``; None before the first frame."""
        return self._clock.origin_s

    def __iter__(self) -> Iterator[Frame]:
        while (arrival := self._slot.take(lambda: self._reader.ended)) is not None:
            if self._reader.stopping:
                return
            try:
                pixels = self._pictures.of(arrival.frame)
            except av.error.FFmpegError as error:
                raise self._source.explain(error, 0) from None
            pts = self._clock.pts(arrival.captured_s)
            seq, self._count = self._count, self._count + 1
            yield Frame(pixels, seq, pts, MICROSECONDS, arrival.captured_s)
        if self._reader.error is not None and not self._reader.stopping:
            raise self._reader.error

    def close(self) -> None:
        """Stop reading; may be called twice and from any thread."""
        self._reader.close()

    def _describe(self) -> SourceInfo:
        first = self._slot.peek()
        assert first is not None
        try:
            self._pictures.of(first.frame)
        except av.error.FFmpegError as error:
            raise self._source.explain(error, 0) from None
        assert self._view.size_wh is not None
        rate, asked = self._rate, self._options.exact_rate
        if asked is not None:
            rate = asked if rate is None else min(rate, asked)
        return SourceInfo(self._view.size_wh, None, rate or _USUAL_RATE, None, live=True)

    def _receive(self, container: InputContainer, _attempt: Attempt) -> bool:
        """One connection, in the reader's thread. True where its end is the end."""
        source, kind, duration = self._source, container.format.name, container.duration
        paced = source.paced(kind, duration)
        video = find_video(container, self._options.limits, source.label, promptly=not paced)
        audio = find_sound(container)
        if video is None:
            raise source.without_picture("sound alone" if audio else "no video that is known here")
        rate = video.average_rate or video.guessed_rate
        if rate and rate <= _TOP_RATE:
            self._rate = Fraction(rate)
        if audio is not None and self.sound is None:
            self.sound = Sound()
        receiver = Receiver(
            self._reader, self._slot, self._clock, self._rhythm, self.sound, paced=paced
        )
        receiver.run(container, video, audio)
        return source.ends(kind, duration) and not self._options.loop
