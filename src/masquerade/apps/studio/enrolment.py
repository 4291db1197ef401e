"""An identity out of good and bad photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.apps.donors import make_identity
from masquerade.apps.studio.donor_photo import DonorPhoto
from masquerade.apps.studio.upload_facts import thumbnail_of
from masquerade.core.errors import MasqueradeError, NoFaceInDonorError
from masquerade.media.image import read_image
from masquerade.media.limits import MediaLimits
from masquerade.stages.clean import find_skin
from masquerade.stages.donor_face import FaceFinder
from masquerade.stages.quality import assess
from masquerade.stages.unwrap import unwrap

if TYPE_CHECKING:
    from masquerade.stages.identity import Identity

__all__ = ["Enrolment", "enrol"]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A donor, worked out.

    Attributes:
        identity: of all photos that can be used.
        photos: what each is worth, in the order in which they came.
        thumbnail: JPEG of the best face.
    """

    identity: Identity
    photos: tuple[DonorPhoto, ...]
    thumbnail: bytes


def enrol(
    name: str,
    before: Sequence[tuple[DonorPhoto, Path]],
    photos: Sequence[tuple[str, Path]],
    limits: MediaLimits | None = None,
) -> Enrolment:
    """Look at each new photo and make an identity of the good ones, old and new.

    Args:
        name: of the donor.
        before: photos that were judged already.
        photos: new ones, by what the user calls them.
        limits: the largest photo that is decoded.

    Raises:
        NoFaceInDonorError: none of the new photos can be used; the message is the first one's.
    """
    limits, finder = limits or MediaLimits(), FaceFinder(threads=1)
    judged = [(_judge(path, called, finder, limits), path) for called, path in photos]
    if not any(photo.used for photo, _ in judged):
        raise NoFaceInDonorError(judged[0][0].advice[0])
    together = [*before, *judged]
    identity = make_identity([p for photo, p in together if photo.used], limits, name=name)
    thumbnail = thumbnail_of(identity.portraits[0].pixels)
    return Enrolment(identity, tuple(photo for photo, _ in together), thumbnail)


def _judge(path: Path, name: str, finder: FaceFinder, limits: MediaLimits) -> DonorPhoto:
    """Look at a photo; one that cannot be used is told from others, and no error."""
    try:
        pixels = read_image(path, limits=limits, name=name).pixels
        face = finder.find(pixels, name, None)
    except MasqueradeError as error:
        text = " ".join(str(error).split()).replace(str(path), name)
        return DonorPhoto(name, 0.0, (text,), used=False)
    flat = unwrap(face.pixels, face.points)
    quality = assess(face.pixels, face.points, find_skin(flat.texture, flat.seen))
    # In the words of the library; the studio offers no such number.
    notes = (face.note.partition(";")[0] + ".",) if face.note else ()
    return DonorPhoto(name, round(quality.score, 3), (*quality.reasons, *notes), used=True)
