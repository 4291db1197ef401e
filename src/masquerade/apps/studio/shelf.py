"""The shelf: donors that were enrolled once and are kept, with their photos, for later."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.studio.donor_photo import DonorPhoto
from masquerade.apps.studio.ids import new_id
from masquerade.apps.studio.kept_identity import (
    FACTS,
    IDENTITY,
    THUMBNAIL,
    KeptIdentity,
    read_kept,
)
from masquerade.apps.studio.private_folder import keep_private
from masquerade.core.errors import (
    ConsentError,
    InputError,
    MasqueradeError,
    MissingInputError,
)
from masquerade.media.output_file import output_error
from masquerade.models.kept_document import locked, write_document
from masquerade.trust.consent import (
    BASES,
    Basis,
    Consent,
    ensure_consent,
    fingerprint,
    guardians_of,
    still_given,
)
from masquerade.trust.minors import Guardian
from masquerade.trust.register import ConsentRegister

if TYPE_CHECKING:
    from masquerade.media.limits import MediaLimits
    from masquerade.stages.identity import Identity

__all__ = ["Photo", "Shelf"]

_MOST_PHOTOS = 16

Photo = tuple[str, Path]
"""What the user calls a photo, and where it is."""


class Shelf:
    """Identities of one user. All methods may be called from any thread and process.

    Each has a folder of its own: the identity, the photos it was made of (for more to be added), a
    thumbnail, and what is known of them. Facts are written last, so what is listed is whole.

    Args:
        folder: where they are; it is made, for this user alone.
        limits: the largest photo that is decoded.
        register: where consents are remembered; this user's by default.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        limits: MediaLimits | None = None,
        register: ConsentRegister | None = None,
    ) -> None:
        keep_private(folder)
        self._folder = folder
        self._limits = limits
        self._register = register or ConsentRegister()

    def all(self) -> list[KeptIdentity]:
        """Every identity, the oldest first; one whose facts are damaged is left out."""
        found = []
        for folder in self._folder.iterdir():
            if (folder / FACTS).is_file():
                with contextlib.suppress(InputError):
                    found.append(read_kept(folder))
        return sorted(found, key=lambda item: (item.created, item.id))

    def find(self, identity_id: str) -> KeptIdentity:
        """One of them.

        Raises:
            MissingInputError: there is none of this id.
            InputError: it is damaged.
        """
        folder = self._folder / identity_id
        if not identity_id.isalnum() or not (folder / FACTS).is_file():
            raise MissingInputError("There is no such identity; it may have been deleted.")
        return read_kept(folder)

    def donor(self, identity_id: str) -> tuple[Identity, Consent | str]:
        """One of them as the engine takes it, and what was said of it.

        Raises:
            MissingInputError: there is none of this id.
            InputError: it is damaged.
            ConsentError: what was said of it was revoked.
        """
        from masquerade.stages.identity import Identity

        kept = self.find(identity_id)
        return Identity.load(kept.file), self.said_of(kept)

    def said_of(self, kept: KeptIdentity) -> Consent | str:
        """What was said of an identity; of one of an earlier version the basis alone.

        Raises:
            ConsentError: it was revoked.
        """
        if not kept.statement:
            return kept.consent
        return still_given(self._register, kept.statement, kept.name)

    def make(
        self,
        name: str,
        photos: Sequence[Photo],
        consent: Basis | None,
        guardian: Guardian | None = None,
    ) -> KeptIdentity:
        """Enrol a donor and keep it. Photos that cannot be used are reported, not fatal.

        Args:
            name: what the user calls the donor.
            photos: at most 16.
            consent: what the user states; None takes what was stated of these very files before.
            guardian: what the user states of a donor who looks under 18.

        Raises:
            GuardianError: the donor looks under 18 and nobody answers for it.
            LockedFaceError: somebody has locked this face.
            ConsentError: nobody has said on what ground the face may be used.
            NoFaceInDonorError: no photo can be used.
            InputError: too many photos, or none.
            OutputError: the shelf cannot be written.
        """
        said = self._settled(name, [path for _, path in photos], consent, guardian)
        folder = self._folder / new_id()
        keep_private(folder)
        try:
            return self._enrol(folder, name, [], photos, said)
        except MasqueradeError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def add_photos(self, identity_id: str, photos: Sequence[Photo]) -> KeptIdentity:
        """Make an identity anew of its photos and some more; the old one stays if that fails.

        Raises:
            MissingInputError: there is none of this id.
            NoFaceInDonorError: none of the new photos can be used.
            InputError: too many photos.
            OutputError: the shelf cannot be written.
        """
        with self._changing(identity_id):
            kept = self.find(identity_id)
            before = [(photo, _photo_file(kept.folder, n)) for n, photo in enumerate(kept.photos)]
            files = [path for _, path in before if path.is_file()] + [path for _, path in photos]
            before_said = self.said_of(kept)
            guardian = None if isinstance(before_said, str) else before_said.guardian or None
            said = self._settled(kept.name, files, kept.consent, guardian)
            return self._enrol(kept.folder, kept.name, before, photos, said, kept.created)

    def rename(self, identity_id: str, name: str) -> KeptIdentity:
        """Call a donor otherwise.

        Raises:
            MissingInputError: there is none of this id.
            OutputError: the shelf cannot be written.
        """
        with self._changing(identity_id):
            kept = self.find(identity_id)
            facts = json.loads((kept.folder / FACTS).read_text(encoding="utf-8"))
            write_document(kept.folder / FACTS, {**facts, "name": name})
        return self.find(identity_id)

    def remove(self, identity_id: str) -> None:
        """Delete an identity with its photos.

        Raises:
            MissingInputError: there is none of this id.
        """
        with self._changing(identity_id):
            folder = self.find(identity_id).folder
            (folder / FACTS).unlink()
            shutil.rmtree(folder, ignore_errors=True)

    def _changing(self, identity_id: str) -> contextlib.AbstractContextManager[None]:
        self.find(identity_id)  # nobody makes locks of what is not there
        return locked(self._folder / f".{identity_id}.lock")

    def _settled(
        self,
        name: str,
        files: Sequence[Path],
        consent: Basis | None,
        guardian: Guardian | None,
    ) -> Consent:
        """What is said of these very files, remembered as the command line does."""
        if not files:
            raise InputError("An identity needs a photo; choose one.")
        mark = fingerprint(path.read_bytes() for path in files)
        return ensure_consent(self._register, mark, name, consent, _nobody_said, guardian=guardian)

    def _enrol(
        self,
        folder: Path,
        name: str,
        before: Sequence[tuple[DonorPhoto, Path]],
        photos: Sequence[Photo],
        said: Consent,
        created: str = "",
    ) -> KeptIdentity:
        from masquerade.apps.studio.enrolment import enrol  # networks are opened for it
        from masquerade.engine.face_rules import FaceRules
        from masquerade.engine.record import noting_refusals

        if len(before) + len(photos) > _MOST_PHOTOS:
            raise InputError(f"An identity has at most {_MOST_PHOTOS} photos; leave some out.")
        files = [_photo_file(folder, len(before) + number) for number in range(len(photos))]
        made = enrol(name, before, photos, self._limits)
        guardians = guardians_of({name: said})
        with noting_refusals():
            FaceRules(guardians).check_donors({name: made.identity})
        ensure_consent(self._register, said.fingerprint, name, identity=made.identity.fingerprint)
        with _writing(folder):
            for file, (_, path), photo in zip(
                files, photos, made.photos[len(before) :], strict=True
            ):
                if photo.quality > 0:
                    shutil.copyfile(path, file)
            (folder / THUMBNAIL).write_bytes(made.thumbnail)
        made.identity.save(folder / IDENTITY)
        facts: dict[str, Any] = {
            "name": name,
            "photos": [asdict(photo) for photo in made.photos],
            "advice": list(made.identity.advice),
            "consent": said.basis,
            "statement": said.fingerprint,
            "created": created or datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        write_document(folder / FACTS, facts)
        return read_kept(folder)


def _photo_file(folder: Path, number: int) -> Path:
    return folder / f"photo-{number}"


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(error, folder / IDENTITY) from error


def _nobody_said(name: str) -> Basis:
    raise ConsentError(
        f"Nobody has said on what ground the face of {name} may be used; state one of "
        f"{', '.join(BASES)}."
    )
