"""How much is under way at a time, and with which networks, on a machine with so much memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from masquerade.engine.lowering import Lowered, fitting

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.engine.lowering import Shelf

__all__ = ["Strategy", "choose_strategy", "frame_bytes", "frames_under_way"]

_BYTES_PER_PIXEL = 8
_FRAMES_BYTES = 40 * 2**20  # so that large frames do not pile up
_FRAMES_SHARE = 1 / 256  # of the free memory, where that is more
_FEWEST_SHARE = 1 / 20  # what four frames may take of it; else two have to do
_FEWEST, _FEW, _MOST = 2, 4, 8


@dataclass(frozen=True, slots=True)
class Strategy:
    """What fits.

    Attributes:
        frames_alive: most frames under way.
        networks: which networks, how exact, how large.
    """

    frames_alive: int
    networks: Lowered


def choose_strategy(
    settings: Settings,
    execution: Execution,
    shelf: Shelf,
    free_bytes: int,
    size_wh: tuple[int, int],
) -> Strategy:
    """The best that is expected to fit.

    Args:
        settings: what is wished for.
        execution: likewise.
        shelf: what is installed.
        free_bytes: what may be taken.
        size_wh: of the frames in pixels.
    """
    frames = frames_under_way(size_wh, free_bytes)
    left = free_bytes - frames * frame_bytes(size_wh)
    return Strategy(frames, next(fitting(settings, execution, shelf, left)))


def frames_under_way(size_wh: tuple[int, int], free_bytes: int) -> int:
    """How many frames may be under way: 4 keep two cores busy, more than 8 gain nothing.

    >>> frames_under_way((1280, 720), 8 * 2**30), frames_under_way((3840, 2160), 2**31)
    (5, 2)
    """
    one_bytes = frame_bytes(size_wh)
    fewest = _FEW if _FEW * one_bytes <= free_bytes * _FEWEST_SHARE else _FEWEST
    granted = max(_FRAMES_BYTES, round(free_bytes * _FRAMES_SHARE))
    return max(fewest, min(_MOST, granted // one_bytes))


def frame_bytes(size_wh: tuple[int, int]) -> int:
    """What a frame under way takes: the decoder's planes, BGR, and the output."""
    return max(1, size_wh[0] * size_wh[1] * _BYTES_PER_PIXEL)
