"""A donor on the shelf, as its folder tells of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.apps.studio.donor_photo import DonorPhoto
from masquerade.core.errors import InputError
from masquerade.trust.consent import BASES, Basis

__all__ = ["FACTS", "IDENTITY", "THUMBNAIL", "KeptIdentity", "read_kept"]

FACTS, IDENTITY, THUMBNAIL = "facts.json", "identity.mqid", "thumbnail.jpg"
"""Files of its folder."""


@dataclass(frozen=True, slots=True)
class KeptIdentity:
    """A donor on the shelf.

    Attributes:
        id: opaque.
        name: what the user calls the donor.
        photos: what each photo was worth, in the order in which they came.
        advice: how better photos would look, the weightiest first.
        consent: on what ground the face is used.
        created: ISO 8601, UTC.
        statement: fingerprint under which the register of consents holds what was said; empty for
            identities of earlier versions.
        folder: where it is kept.
    """

    id: str
    name: str
    photos: tuple[DonorPhoto, ...]
    advice: tuple[str, ...]
    consent: Basis
    created: str
    folder: Path
    statement: str = ""

    @property
    def quality(self) -> float:
        """0..1: that of the best photo."""
        return max(photo.quality for photo in self.photos)

    @property
    def file(self) -> Path:
        """The saved identity, which the engine and the command line take."""
        return self.folder / IDENTITY

    @property
    def thumbnail(self) -> Path:
        """A small JPEG of the face."""
        return self.folder / THUMBNAIL


def read_kept(folder: Path) -> KeptIdentity:
    """What is kept in ``folder``.

    Raises:
        InputError: it is damaged.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        photos = tuple(_photo(photo) for photo in facts["photos"])
        if not photos or facts["consent"] not in BASES:
            raise ValueError("no photos, or on no ground")
        return KeptIdentity(
            id=folder.name,
            name=_text(facts["name"]),
            photos=photos,
            advice=_texts(facts["advice"]),
            consent=facts["consent"],
            created=_text(facts["created"]),
            folder=folder,
            statement=_text(facts.get("statement", "")),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            "An identity on the shelf is damaged; delete it and make it anew."
        ) from error


def _photo(facts: dict[str, Any]) -> DonorPhoto:
    quality, used = facts["quality"], facts["used"]
    if not isinstance(used, bool) or isinstance(quality, bool) or not 0 <= quality <= 1:
        raise ValueError("not a photo")
    return DonorPhoto(_text(facts["name"]), float(quality), _texts(facts["advice"]), used)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError("not a list")
    return tuple(_text(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()  # half a character could not be told to anybody
    return value
