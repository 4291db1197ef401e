"""How much is under way at a time, in what tiles, and with which networks, by the free memory.

The one place where these are chosen: ``open_networks`` opens what :func:`choose_strategy` says, and
what it names next where that does not fit after all; ``Engine.run`` has as many frames under way as
:func:`frames_under_way` says of what is free then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from masquerade.engine.lowering import NO_UPSCALER, SMALLEST_TILE, Lowered, fitting, tile_bytes

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.engine.lowering import Shelf

__all__ = ["USUAL_WH", "Strategy", "choose_strategy", "frame_bytes", "frames_under_way"]

USUAL_WH = (1920, 1080)
"""Of frames whose size is not known yet."""

_BYTES_PER_PIXEL = 8
_FRAMES_BYTES = 40 * 2**20  # so that large frames do not pile up
_FRAMES_SHARE = 1 / 256  # of the free memory, where that is more
_FEWEST_SHARE = 1 / 20  # what four frames may take of it; else two have to do
_FEWEST, _FEW, _MOST = 2, 4, 8
_TILES = (1024, 512, 256)  # larger ones overlap less, so that less is drawn twice
_TILE_SHARE = 1 / 6  # what one may take of the free memory


@dataclass(frozen=True, slots=True)
class Strategy:
    """What fits.

    Attributes:
        frames_alive: most frames under way.
        steps: which networks, how exact, how large, in what tiles: what is to be opened, then what
            is to be opened where that does not fit, each step less than the one before.
    """

    frames_alive: int
    steps: tuple[Lowered, ...]

    @property
    def sentence(self) -> str:
        """What was chosen, such as ``5 frames under way, tiles of 256 pixels, gpen_bfr_512``."""
        parts = [f"{self.frames_alive} frames under way"]
        if not self.steps:
            return parts[0]
        settings, precision = self.steps[0].settings, self.steps[0].precision
        if settings.enhance_frame != NO_UPSCALER:
            parts.append(f"{settings.enhance_frame} on tiles of {settings.tile} pixels")
        drawing = [name for name in (settings.model, *settings.enhancer) if name != "mesh"]
        exact = "" if precision == "auto" else f" in {precision}"
        parts += [f"{' and '.join(drawing)}{exact}"] if drawing else []
        return ", ".join(parts)


def choose_strategy(
    settings: Settings,
    execution: Execution,
    shelf: Shelf,
    free_bytes: int,
    size_wh: tuple[int, int] = USUAL_WH,
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
    if settings.enhance_frame != NO_UPSCALER and not settings.tile:
        scale = shelf.scale(settings.enhance_frame)
        settings = settings.replace(tile=_tile(scale, free_bytes))
    return Strategy(frames, tuple(fitting(settings, execution, shelf, left)))


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


def _tile(scale: int, free_bytes: int) -> int:
    """Side in pixels of the largest tiles that leave memory for everything else."""
    granted = free_bytes * _TILE_SHARE
    return next((tile for tile in _TILES if tile_bytes(tile**2, scale) <= granted), SMALLEST_TILE)
