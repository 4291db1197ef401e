"""How the preview is looked at: what actions switch and the window paints."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["View"]


@dataclass(slots=True)
class View:
    """Switches of the preview. They change what is seen here, never what the sinks are given.

    Attributes:
        mirror: left and right are exchanged, as in a mirror.
        wipe: the original is shown left of the divider, the swap right of it.
        divider: where that is, 0 (left edge of the picture) to 1.
        numbers: rate, latency and losses are shown.
        help: the list of keys is shown.
        full_screen, on_top: of the window.
    """

    mirror: bool = False
    wipe: bool = False
    divider: float = 0.5
    numbers: bool = False
    help: bool = False
    full_screen: bool = False
    on_top: bool = False
