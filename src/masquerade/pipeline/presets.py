"""What the governor may do: how late a frame may be, and what is given up for that, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from masquerade.core.errors import SettingsError

__all__ = ["PRESETS", "Preset", "find_preset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Bounds of the governor.

    Attributes:
        name: as the command line calls it.
        p95_ms: latency that 95 of 100 frames are to stay below, or two frame times where those
            are longer.
        start: values that knobs begin with, which are also the best they ever get; a knob that is
            not named begins with its best.
        steps: what is given up under load, (knob, value) each, the cheapest loss first. What is
            not in it is never given up.
    """

    name: str
    p95_ms: float
    start: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[tuple[str, float], ...] = ()


# Searching less often costs the least: nobody new comes in most frames. Rarer key frames let the
# mesh carry a face for longer. Every second frame without the landmark network relies on optical
# flow. The enhancer and the resolution are what is seen, so they go last. Steps of knobs that a
# stream has not are left out.
_FAST = Preset(
    name="fast",
    p95_ms=60.0,
    start={"search": 20, "resolution": 0.75},
    steps=(
        ("looks", 2),
        ("refreshes", 0.5),
        ("search", 40),
        ("enhancer", 0),
        ("refreshes", 0.25),
        ("resolution", 0.5),
    ),
)
_BALANCED = Preset(
    name="balanced",
    p95_ms=90.0,
    steps=(
        ("search", 20),
        ("refreshes", 0.5),
        ("looks", 2),
        ("enhancer", 0),
        ("resolution", 0.75),
        ("search", 40),
        ("refreshes", 0.25),
        ("resolution", 0.5),
    ),
)
_QUALITY = Preset(name="quality", p95_ms=150.0, steps=(("search", 20), ("refreshes", 0.5)))

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {preset.name: preset for preset in (_FAST, _BALANCED, _QUALITY)}
)
"""The presets by name, the fastest first."""


def find_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        SettingsError: there is none.

    >>> find_preset("fast").p95_ms
    60.0
    """
    if name not in PRESETS:
        raise SettingsError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
