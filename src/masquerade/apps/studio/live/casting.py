"""Which identities a session draws, and on which faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from masquerade.stages.identity import Identity

__all__ = ["Casting", "FindDonor"]

FindDonor = Callable[[str], "tuple[Identity, str]"]
"""The identity with an id, and on what ground its face is used. Raises MissingInputError."""


@dataclass(frozen=True, slots=True)
class Casting:
    """Who is drawn. Every change makes a new one, so that one that fails changes nothing.

    Attributes:
        main: id of the identity that goes to whoever the settings choose.
        faces: by track number, the identity that somebody gave to that face; None is nobody.
        identities: those that are drawn, by id, the main one first.
        consents: by id, on what ground each face is used.
    """

    main: str
    faces: Mapping[int, str | None]
    identities: Mapping[str, Identity] = field(repr=False)
    consents: Mapping[str, str]

    @classmethod
    def of(cls, main: str, faces: Mapping[int, str | None], find: FindDonor) -> Self:
        """Look the identities up.

        Raises:
            MissingInputError: there is none with that id.
        """
        wanted = dict.fromkeys([main, *(donor for donor in faces.values() if donor is not None)])
        found = {donor: find(donor) for donor in wanted}
        return cls(
            main,
            MappingProxyType(dict(faces)),
            MappingProxyType({donor: identity for donor, (identity, _) in found.items()}),
            MappingProxyType({donor: basis for donor, (_, basis) in found.items()}),
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the identities, the main one first: the order by which clients know them."""
        return tuple(self.identities)
