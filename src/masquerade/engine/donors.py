"""Donors and references in every form in which they may be given."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from masquerade.core.errors import InputError, SettingsError
from masquerade.engine.networks import shared_networks
from masquerade.stages.donor_face import FaceFinder
from masquerade.stages.identity import Identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Attributes

__all__ = [
    "Donor",
    "Photo",
    "Reference",
    "as_identities",
    "as_references",
    "checked_by_hand",
    "checked_picture",
]

Photo: TypeAlias = "str | PathLike[str] | NDArray[np.uint8]"
"""A file, or uint8 (H, W, 3) BGR."""
Donor: TypeAlias = "Photo | Identity | list[Photo] | tuple[Photo, ...]"
"""One person: a photo, a saved identity's path (``.mqid``), an Identity, or several photos."""
Reference: TypeAlias = "Photo | Identity | int"
"""Whom to replace: a photo or an identity of that person, or a track number."""

_IDENTITY_SUFFIX = ".mqid"


def as_identities(donors: Any) -> dict[str, Identity]:
    """The donors by name, enrolled."""
    if isinstance(donors, Mapping):
        if not donors:
            raise SettingsError("No donor was given; give at least one photo.")
        return {name: _identity(donor, name) for name, donor in donors.items()}
    identity = _identity(donors, None)
    return {identity.name: identity}


def _identity(donor: Any, name: str | None) -> Identity:
    if isinstance(donor, Identity):
        return donor
    if isinstance(donor, str | PathLike) and Path(donor).suffix.lower() == _IDENTITY_SUFFIX:
        return Identity.load(donor)
    if isinstance(donor, list | tuple) and not donor:
        raise SettingsError("A donor has no photo; give at least one photo.")
    return Identity.from_photos(donor, name)


def as_references(given: Any, identities: Mapping[str, Identity]) -> dict[str, Attributes | int]:
    """Whom to replace, by donor's name: what a face looks like, or a track number."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        if len(identities) != 1:
            raise SettingsError("With several donors, give references as a mapping by donor.")
        given = {next(iter(identities)): given}
    unknown = sorted(set(given) - set(identities))
    if unknown:
        raise SettingsError(
            f"There is a reference for {unknown[0]!r} but no such donor; "
            f"there are {', '.join(identities)}."
        )
    return {name: _reference(item) for name, item in given.items()}


def checked_by_hand(
    faces: Mapping[int, str | None], identities: Mapping[str, Identity]
) -> dict[int, str | None]:
    """Which donor each face is to get, if all of them are there.

    Raises:
        SettingsError: there is no such donor.
    """
    for track, name in faces.items():
        if name is not None and name not in identities:
            raise SettingsError(
                f"Face {track} is to get {name!r} but there is no such donor; "
                f"there are {', '.join(identities)}."
            )
    return dict(faces)


def _reference(given: Any) -> Attributes | int:
    if isinstance(given, int):
        return given
    if isinstance(given, Identity):
        return given.attributes
    if isinstance(given, np.ndarray):
        label, pixels = "The reference photo", checked_picture(given)
    else:
        from masquerade.media.image import read_image

        label, pixels = f"The reference photo {given}", read_image(Path(given)).pixels
    face = FaceFinder().find(pixels, label, None)
    return shared_networks(0).embedder.describe(face.pixels, [face.points])[0]


def checked_picture(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The array, C-contiguous, if it is a picture."""
    shape = getattr(pixels, "shape", None)
    fits = shape is not None and len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    if not fits or pixels.dtype != np.uint8:
        kind = f"{pixels.dtype} {shape}" if shape is not None else type(pixels).__name__
        raise InputError(f"The picture is {kind}; give uint8 of shape (H, W, 3), BGR.")
    return np.ascontiguousarray(pixels)
