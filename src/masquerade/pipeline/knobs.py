"""What can be turned down to gain speed, and one turn of it."""

from __future__ import annotations

from dataclasses import dataclass

from masquerade.core.errors import SettingsError

__all__ = ["Knob", "Turn"]


@dataclass(frozen=True, slots=True)
class Knob:
    """Something that trades quality for speed.

    Attributes:
        name: as presets and statistics call it.
        levels: the values that it can have, from the best picture to the cheapest; each costs
            about half of the one before at the least, so that no turn is a leap.

    Raises:
        SettingsError: there are no levels, or two are the same.

    >>> Knob("resolution", (1.0, 0.75, 0.5)).level_of(0.75)
    1
    """

    name: str
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.levels or len(set(self.levels)) < len(self.levels):
            raise SettingsError(
                f"The knob {self.name!r} has the levels {self.levels}; give different values."
            )

    def level_of(self, value: float) -> int:
        """Place of ``value`` among the levels; 0 is the best.

        Raises:
            SettingsError: it is none of them.
        """
        if value not in self.levels:
            known = ", ".join(f"{level:g}" for level in self.levels)
            raise SettingsError(f"{self.name} cannot be {value:g}; choose one of {known}.")
        return self.levels.index(value)


@dataclass(frozen=True, slots=True)
class Turn:
    """A knob that is to be set now.

    Attributes:
        name: of the knob.
        value: to set.
        level: place of the value among the knob's levels; 0 is the best.
        reason: a few words with the numbers that led to it.
    """

    name: str
    value: float
    level: int
    reason: str
