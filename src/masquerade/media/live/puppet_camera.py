"""A rendered talking head that never ends: a camera for machines without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from masquerade.core.errors import SettingsError
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.live.clock import StreamClock
from masquerade.media.live.paced import Schedule
from masquerade.media.live.view import View
from masquerade.media.puppet import BUNDLED, Actor, PuppetSource, Scene

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame
    from masquerade.media.live.options import SourceOptions
    from masquerade.media.puppet.portrait import BundledName

__all__ = ["PuppetCamera"]

_SIZE_WH, _RATE = (1280, 720), Fraction(30)
_PLAY_S = 1.6
_PLAY_RATE = 30


class PuppetCamera(Closing):
    """A talking portrait, played forth and back.

    About fifty pictures are rendered, in a thread called ``masquerade-puppet`` that takes half of
    one core for a few seconds; from then on nothing is left to do but to hand them out.

    Args:
        play: whose portrait: a bundled name; empty is the first.
        options: size (1280x720), rate (30), and how the picture is turned.

    Raises:
        SettingsError: there is no such portrait.
    """

    sound = None

    def __init__(self, play: str, options: SourceOptions) -> None:
        self._view = View(options)
        self._rate = options.exact_rate or _RATE
        self._stage = _stage(play or "astronaut", options.device_size_wh or _SIZE_WH)
        self._pictures = [self._view.of(self._stage.render(0)[0].pixels)]
        self._stop = threading.Event()
        self._clock, self._schedule = StreamClock(), Schedule(self._stop)
        assert self._view.size_wh is not None
        self.info = SourceInfo(self._view.size_wh, None, self._rate, None, live=True)
        self._thread = threading.Thread(target=self._render, name="masquerade-puppet", daemon=True)
        self._thread.start()

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
        return self._schedule.frames(self._forth_and_back(), self._rate, self._clock)

    def close(self) -> None:
        """Stop; may be called twice and from any thread."""
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def _render(self) -> None:
        for seq in range(1, self._stage.info.frame_count or 1):
            begun_s = time.monotonic()
            pixels = self._view.of(self._stage.render(seq)[0].pixels)
            self._pictures.append(pixels)
            if self._stop.wait(time.monotonic() - begun_s):
                return

    def _forth_and_back(self) -> Iterator[NDArray[np.uint8]]:
        """Steps of one picture, so that nothing jumps; turns where there is no more as yet."""
        place, step = 0, 1
        while True:
            yield self._pictures[place]
            if not 0 <= place + step < len(self._pictures):
                step = -step
            if 0 <= place + step < len(self._pictures):
                place += step


def _stage(portrait: str, size_wh: tuple[int, int]) -> PuppetSource:
    if portrait not in BUNDLED:
        raise SettingsError(f"There is no puppet {portrait}; choose {' or '.join(BUNDLED)}.")
    name: BundledName = portrait
    actor = Actor(name=name, portrait=name, size=0.46, path=((0.0, 0.5, 0.43),))
    scene = Scene(actors=(actor,), seconds=_PLAY_S, background=name)
    return PuppetSource([scene], size_wh=size_wh, rate=_PLAY_RATE, seed=3)
