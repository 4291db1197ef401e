"""A still picture that is shown as if a camera looked at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.image_read import read_image
from masquerade.media.live.clock import StreamClock
from masquerade.media.live.paced import Schedule
from masquerade.media.live.view import View

if TYPE_CHECKING:
    from masquerade.core.frame import Frame
    from masquerade.media.live.options import SourceOptions

__all__ = ["StillCamera"]

_RATE = Fraction(25)


class StillCamera(Closing):
    """The same picture again and again, until it is closed: what a look does to it is seen live.

    Args:
        path: the picture.
        options: its rate (25), and how the picture is turned. It has no end, so ``loop`` says
            nothing.

    Raises:
        InputError: as :func:`masquerade.media.image_read.read_image`.
        SettingsError: a crop that lies outside the picture.
    """

    sound = None

    def __init__(self, path: str | Path, options: SourceOptions) -> None:
        view = View(options)
        self._pixels = view.of(read_image(Path(path), limits=options.limits).pixels)
        self._rate = options.exact_rate or _RATE
        self._stop = threading.Event()
        self._clock, self._schedule = StreamClock(), Schedule(self._stop)
        assert view.size_wh is not None
        self.info = SourceInfo(view.size_wh, None, self._rate, None, live=True)

    @property
    def notices(self) -> tuple[str, ...]:
        """Nothing to tell."""
        return ()

    @property
    def status(self) -> str:
        """It never waits."""
        return ""

    @property
    def origin_s(self) -> float | None:
        """The moment of pts 0, seconds of ``time.perf_counter``; None before the first frame."""
        return self._clock.origin_s

    def __iter__(self) -> Iterator[Frame]:
        return self._schedule.frames(repeat(self._pixels), self._rate, self._clock)

    def close(self) -> None:
        """Stop; may be called twice and from any thread."""
        self._stop.set()
