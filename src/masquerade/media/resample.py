"""A constant frame rate out of any timestamps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Protocol, TypeVar

__all__ = ["resampled"]


class _Timed(Protocol):
    @property
    def pts(self) -> int: ...
    @property
    def duration(self) -> int: ...


_T = TypeVar("_T", bound=_Timed)


def resampled(items: Iterable[_T], time_base: Fraction, fps: Fraction) -> Iterator[_T]:
    """Show at each tick of a clock of ``fps`` what would be on the screen then.

    Args:
        items: frozen dataclasses with ``pts`` (rising) and ``duration`` in ``time_base`` units.
        time_base: seconds per unit.
        fps: ticks per second.

    Yields:
        Copies with ``pts`` in units of 1/fps without gaps, ``duration`` 1. A frame is repeated
        or left out as the clock demands; the whole lasts as long as before, to within one tick.
    """
    scale = time_base * fps
    tick: int | None = None
    shown: _T | None = None
    for item in items:
        start = round(item.pts * scale)
        if tick is None or shown is None:
            tick = start
        else:
            yield from _repeat(shown, tick, start)
            tick = max(tick, start)
        shown = item
    if tick is not None and shown is not None:
        end = max(tick + 1, round((shown.pts + shown.duration) * scale))
        yield from _repeat(shown, tick, end)


def _repeat(item: _T, first: int, end: int) -> Iterator[_T]:
    for tick in range(first, end):
        changed: Any = dataclasses.replace(item, pts=tick, duration=1)  # type: ignore[type-var]
        yield changed
