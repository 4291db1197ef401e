"""Who the donors are, and to whom each of them goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.core.errors import SettingsError
from masquerade.stages.likeness import unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face import Attributes

__all__ = ["NOBODY", "DonorRoll"]

NOBODY = ""
"""The donor of a face that was taken out by hand."""


class DonorRoll:
    """The donors in their order, with whom each of them replaces.

    Args:
        donors: names of the identities, in order.
        references: by donor's name: attributes or an embedding (1024,) of the person to be
            replaced, or the number of a track.
        by_hand: by track number, the donor that somebody gave to that face, or None to leave it
            alone. Donors that are given by hand go to those faces alone, but for the first one.

    Attributes:
        names: of the donors, in order.
        numbers: the donors that go to a track, by its number.
        people: the embeddings (1024,) that donors go to.
        free: donors that go to anybody, in order.
        by_hand: as given, with :data:`NOBODY` instead of None.

    Raises:
        SettingsError: there is no donor, or a reference or a face names none of them.
    """

    def __init__(
        self,
        donors: Iterable[str],
        references: Mapping[str, Attributes | NDArray[np.float32] | int] | None = None,
        by_hand: Mapping[int, str | None] | None = None,
    ) -> None:
        self.names, self._given = tuple(donors), dict(references or {})
        self.by_hand = {track: donor or NOBODY for track, donor in (by_hand or {}).items()}
        if not self.names:
            raise SettingsError("There is no donor to swap in; give at least one photo.")
        for name in self._given:
            if name not in self.names:
                raise SettingsError(f"There is a reference for {name!r}, but no such donor.")
        for track, name in self.by_hand.items():
            if name not in (NOBODY, *self.names):
                raise SettingsError(f"Face {track} is to get {name!r}, but there is no such donor.")
        given = self._given
        self.numbers = {ref: name for name, ref in given.items() if isinstance(ref, int)}
        self.people = {n: unit_of(ref) for n, ref in given.items() if not isinstance(ref, int)}
        kept = {*given, *(set(self.by_hand.values()) - {self.names[0]})}
        self.free = tuple(name for name in self.names if name not in kept)

    def is_like(self, other: DonorRoll) -> bool:
        """Whether both hand the same donors to the same people."""
        one, two = self._given, other._given
        same = one.keys() == two.keys() and all(one[name] is two[name] for name in one)
        return same and self.names == other.names and self.by_hand == other.by_hand

    def heirs(self, after: DonorRoll) -> dict[str, str]:
        """Which donor each of these becomes: the one of that name, else in that place."""
        found = {
            name: name if name in after.names else after.names[place % len(after.names)]
            for place, name in enumerate(self.names)
        }
        return {**found, NOBODY: NOBODY}

    def handed_over(
        self, decided: Mapping[int, str], places: Mapping[str, int], after: DonorRoll
    ) -> dict[int, str]:
        """What these had been decided for, by track number, with the heirs' names.

        What was decided by hand, and is not any more, is left out, and so is who was taken out;
        whoever holds a donor's place gets that donor again.

        Args:
            decided: by track number, the donor.
            places: by donor, the track that was picked for it.
            after: who the donors are from now on.
        """
        heir = self.heirs(after)
        returned = self.by_hand.keys() - after.by_hand.keys()
        kept = {
            track: heir[donor]
            for track, donor in decided.items()
            if track not in returned and (donor != NOBODY or track in after.by_hand)
        }
        back = {track: heir[donor] for donor, track in places.items() if track in returned}
        return {**kept, **back}
