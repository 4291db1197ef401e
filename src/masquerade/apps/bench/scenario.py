"""What is measured: a swapper with its enhancers on a film of some size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from masquerade.core.errors import SettingsError

__all__ = ["SIZES", "Scenario", "all_scenarios", "find_scenario"]

SIZES = {"480p": (640, 480), "720p": (1280, 720), "1080p": (1920, 1080)}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table.

    Attributes:
        swapper: ``mesh``, or the name of an installed model.
        enhancers: names of installed models.
        size: a key of :data:`SIZES`.
        refresh: how often networks draw a face anew; see ``Settings.refresh``.
        preset: of the governor, for the live part.
    """

    swapper: str = "mesh"
    enhancers: tuple[str, ...] = ()
    size: str = "720p"
    refresh: str = "auto"
    preset: str = "balanced"

    @property
    def name(self) -> str:
        """Such as ``inswapper_128+gfpgan_1.4/auto/720p/balanced``."""
        models = "+".join((self.swapper, *self.enhancers))
        refresh = "" if self.swapper == "mesh" else f"/{self.refresh}"
        return f"{models}{refresh}/{self.size}/{self.preset}"


def all_scenarios(swappers: Iterable[str], enhancers: Iterable[str]) -> list[Scenario]:
    """The built-in swapper at every size and preset; each installed swapper at 720p, every frame
    and with key frames, and with each installed enhancer.
    """
    scenarios = [Scenario(size=size) for size in SIZES]
    scenarios += [Scenario(preset=preset) for preset in ("fast", "quality")]
    listed = tuple(enhancers)
    for swapper in swappers:
        scenarios += [Scenario(swapper, refresh="every"), Scenario(swapper)]
        scenarios += [Scenario(swapper, (enhancer,)) for enhancer in listed]
    return scenarios


def find_scenario(name: str, scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Those whose name is ``name`` or begins with it.

    Raises:
        SettingsError: there are none.
    """
    listed = list(scenarios)
    found = [item for item in listed if item.name == name] or [
        item for item in listed if item.name.startswith(name)
    ]
    if not found:
        known = ", ".join(item.name for item in listed)
        raise SettingsError(f"There is no scenario {name!r}; choose one of {known}.")
    return found
