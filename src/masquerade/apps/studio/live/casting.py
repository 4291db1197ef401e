"""Which identities a session draws, and on which faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from masquerade.stages.identity import Identity
    from masquerade.trust.consent import Consent

__all__ = ["Casting", "FindDonor"]

FindDonor = Callable[[str], "tuple[Identity, Consent | str]"]
"""The identity with an id, and what was said of it, or only on what ground its face is used.
Raises MissingInputError, ConsentError."""


@dataclass(frozen=True, slots=True)
class Casting:
    """Who is drawn. Every change makes a new one, so that one that fails changes nothing.

    Attributes:
        main: id of the identity that goes to whoever the settings choose.
        faces: by track number, the identity that somebody gave to that face; None is nobody.
        identities: those that are drawn, by id, the main one first.
        consents: by id, what was said of each donor.
    """

    main: str
    faces: Mapping[int, str | None]
    identities: Mapping[str, Identity] = field(repr=False)
    consents: Mapping[str, Consent | str]

    @classmethod
    def of(cls, main: str, faces: Mapping[int, str | None], find: FindDonor) -> Self:
        """Look the identities up.

        Raises:
            MissingInputError: there is none with that id.
            ConsentError: what was said of it was revoked.
        """
        wanted = dict.fromkeys([main, *(donor for donor in faces.values() if donor is not None)])
        found = {donor: find(donor) for donor in wanted}
        return cls(
            main,
            MappingProxyType(dict(faces)),
            MappingProxyType({donor: identity for donor, (identity, _) in found.items()}),
            MappingProxyType({donor: said for donor, (_, said) in found.items()}),
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the identities, the main one first: the order by which clients know them."""
        return tuple(self.identities)
