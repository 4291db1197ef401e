"""Who is drawn, who is replaced, and whose word allows it, as the command line says."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from masquerade.apps.console import Console
from masquerade.apps.donor_map import MappedPerson, read_donor_map
from masquerade.core.errors import MissingInputError, SettingsError
from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
from masquerade.stages.identity import Identity
from masquerade.trust.consent import Basis, Consent, ensure_consent, fingerprint, guardians_of
from masquerade.trust.minors import Guardian, looks_minor
from masquerade.trust.register import ConsentRegister

__all__ = ["IDENTITY_SUFFIX", "Donors", "load_donors", "make_identity"]

IDENTITY_SUFFIX = ".mqid"


@dataclass(frozen=True, slots=True)
class Donors:
    """What the engine needs to know of people.

    Attributes:
        identities: the donors by name.
        references: photo or track number of the person each donor replaces; a donor without one
            replaces whoever the settings choose.
        consents: what was said of each donor.
        files: every file that was read.
        photos: by donor, the photos or the saved identity.
    """

    identities: dict[str, Identity] = field(default_factory=dict)
    references: dict[str, str | int] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    photos: dict[str, tuple[Path, ...]] = field(default_factory=dict)

    @property
    def guardians(self) -> dict[str, Guardian]:
        """What was said of donors who look under 18, as the engine takes it."""
        return guardians_of(self.consents)


def load_donors(args: argparse.Namespace, limits: MediaLimits, console: Console) -> Donors:
    """Read the donors of ``--source`` or ``--map``, print advice and settle consent.

    Raises:
        SettingsError: neither or both of the two, or a wrong map.
        InputError: a file is missing or no picture.
        NoFaceInDonorError: a photo shows no face.
        ConsentError: nobody says whose face it is.
    """
    donors = Donors()
    register = ConsentRegister()
    for person in _people(args):
        identity = make_identity(person.donor, limits, face_index=args.source_face)
        name = _free_name(identity.name, donors.identities)
        for sentence in identity.advice:
            # The library's word for the choice, in the command line's language.
            console.note(f"{name}: {sentence.replace('face_index', '--source-face')}")
        mark = fingerprint(file.read_bytes() for file in person.donor)
        donors.consents[name] = _consent(register, mark, name, identity, args)
        donors.identities[name] = identity
        donors.files.extend(person.donor)
        donors.photos[name] = tuple(person.donor)
        if person.reference is not None:
            donors.references[name] = str(person.reference)
            donors.files.append(person.reference)
        elif person.track is not None:
            donors.references[name] = person.track
    return donors


def make_identity(
    files: Sequence[Path],
    limits: MediaLimits,
    *,
    name: str | None = None,
    face_index: int | None = None,
) -> Identity:
    """The identity in one saved file, or the one that photos of a person make.

    Raises:
        SettingsError: a saved identity is mixed with other files.
        InputError: a file is missing or no picture.
        NoFaceInDonorError: a photo shows no face.
    """
    if any(file.suffix.lower() == IDENTITY_SUFFIX for file in files):
        if len(files) > 1:
            raise SettingsError("A saved identity stands alone; give one -s, or photos only.")
        return Identity.load(files[0])
    photos = [read_image(file, limits=limits).pixels for file in files]
    return Identity.from_photos(photos, name or files[0].stem, face_index=face_index)


def _consent(
    register: ConsentRegister, mark: str, name: str, identity: Identity, args: argparse.Namespace
) -> Consent:
    basis: Basis | None = args.consent
    guardian: Guardian | None = args.guardian if looks_minor(identity.attributes.age) else None
    return ensure_consent(
        register, mark, name, basis, identity=identity.fingerprint, guardian=guardian
    )


def _people(args: argparse.Namespace) -> Sequence[MappedPerson]:
    if bool(args.source) == bool(args.map):
        raise SettingsError("Give the donor's photo with -s, or a --map with several donors.")
    if args.map:
        if args.reference:
            raise SettingsError("Say who is replaced in the map or with --reference, not both.")
        return read_donor_map(Path(args.map))
    reference = Path(args.reference) if args.reference else None
    if reference is not None and not reference.is_file():
        raise MissingInputError(f"There is no file {reference}; check the path of --reference.")
    return [MappedPerson(tuple(Path(photo) for photo in args.source), reference, None)]


def _free_name(name: str, taken: dict[str, Identity]) -> str:
    """``name``, numbered if another donor has it already."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free
