"""What is measured: a swapper with its enhancers and its detector on a film of some size."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from masquerade.core.errors import SettingsError
from masquerade.pipeline.presets import PRESETS

__all__ = ["SIZES", "Scenario", "all_scenarios", "find_scenario"]

SIZES = {"480p": (640, 480), "720p": (1280, 720), "1080p": (1920, 1080)}
_BUILT_IN, _BUILT_IN_DETECTOR = "mesh", "blaze"
_SMALL_DETECTOR = "det_500m"
_FORM = "SWAPPER+ENHANCER@DETECTOR/REFRESH/SIZE/PRESET"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table.

    Attributes:
        swapper: ``mesh``, or the name of a model.
        enhancers: names of models.
        size: a key of :data:`SIZES`.
        refresh: how often networks draw a face anew; see ``Settings.refresh``.
        preset: of the governor, for the live part.
        detector: ``blaze``, or the name of a model.
    """

    swapper: str = _BUILT_IN
    enhancers: tuple[str, ...] = ()
    size: str = "720p"
    refresh: str = "auto"
    preset: str = "balanced"
    detector: str = _BUILT_IN_DETECTOR

    @property
    def name(self) -> str:
        """Such as ``inswapper_128+gfpgan_1.4@det_10g/auto/720p/balanced``, without what is built
        in.
        """
        models = "+".join((self.swapper, *self.enhancers))
        detector = "" if self.detector == _BUILT_IN_DETECTOR else f"@{self.detector}"
        refresh = f"/{self.refresh}" if self._draws else ""
        return f"{models}{detector}{refresh}/{self.size}/{self.preset}"

    @property
    def _draws(self) -> bool:
        return self.swapper != _BUILT_IN or bool(self.enhancers)

    @classmethod
    def named(cls, name: str) -> Scenario | None:
        """The scenario of that name; None where it is none. Whether its models are there is not
        looked at.

        >>> Scenario.named("inswapper_128/every/480p/fast")
        Scenario(swapper='inswapper_128', enhancers=(), size='480p', refresh='every', \
preset='fast', detector='blaze')
        """
        models, *between, size, preset = name.split("/") if name.count("/") > 1 else ("", "", "")
        drawing, at, detector = models.partition("@")
        swapper, *enhancers = drawing.split("+")
        found = cls(
            swapper,
            tuple(enhancers),
            size,
            between[0] if between else "auto",
            preset,
            detector if at else _BUILT_IN_DETECTOR,
        )
        named = all((swapper, *enhancers, found.detector, found.refresh))
        known = named and size in SIZES and preset in PRESETS
        return found if known and found.name == name else None


def all_scenarios(
    swappers: Iterable[str], enhancers: Iterable[str], detectors: Collection[str] = ()
) -> list[Scenario]:
    """The built-in swapper at every size and preset, and with each installed enhancer; each
    installed swapper at 720p, every frame and with key frames, with each enhancer, and with the
    detector for small devices.
    """
    scenarios = [Scenario(size=size) for size in SIZES]
    scenarios += [Scenario(preset=preset) for preset in ("fast", "quality")]
    listed = tuple(enhancers)
    scenarios += [Scenario(enhancers=(enhancer,)) for enhancer in listed]
    for swapper in swappers:
        scenarios += [Scenario(swapper, refresh="every"), Scenario(swapper)]
        scenarios += [Scenario(swapper, (enhancer,)) for enhancer in listed]
        if _SMALL_DETECTOR in detectors:
            scenarios.append(Scenario(swapper, preset="fast", detector=_SMALL_DETECTOR))
    return scenarios


def find_scenario(name: str, scenarios: Iterable[Scenario]) -> list[Scenario]:
    """Those whose name is ``name`` or begins with it; else the one that the name spells out.

    Raises:
        SettingsError: there are none.
    """
    listed = list(scenarios)
    exact = [item for item in listed if item.name == name]
    found = exact or [item for item in listed if item.name.startswith(name)]
    if found:
        return found
    spelled = Scenario.named(name)
    if spelled is None:
        known = ", ".join(item.name for item in listed)
        raise SettingsError(
            f"There is no scenario {name!r}; choose one of {known}, or spell one out as {_FORM}."
        )
    return [spelled]
