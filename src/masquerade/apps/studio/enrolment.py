"""An identity out of good and bad photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from masquerade.stages.enroll import LEAST_STEADY, UNSURE
from masquerade.stages.quality import assess
from masquerade.stages.unwrap import unwrap

if TYPE_CHECKING:
    from masquerade.stages.identity import Identity

__all__ = ["Enrolment", "enrol"]

_LEAST_QUALITY = 0.05
"""Of a photo that shows a face; 0 is for those that cannot be used."""


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
    photos_now = _chosen([*(photo for photo, _ in before), *(photo for photo, _ in judged)])
    paths = [path for _, path in [*before, *judged]]
    good = [path for photo, path in zip(photos_now, paths, strict=True) if photo.used]
    identity = make_identity(good, limits, name=name)
    return Enrolment(identity, photos_now, thumbnail_of(identity.portraits[0].pixels))


def _chosen(photos: Sequence[DonorPhoto]) -> tuple[DonorPhoto, ...]:
    """Leave out those whose mesh is a guess where there are others, as the enroller does."""
    if not any(photo.used and UNSURE not in photo.advice for photo in photos):
        return tuple(photos)
    return tuple(replace(photo, used=photo.used and UNSURE not in photo.advice) for photo in photos)


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
    unsure = face.steady < LEAST_STEADY
    score = max(_LEAST_QUALITY, min(quality.score, face.steady) if unsure else quality.score)
    advice = (*([UNSURE] if unsure else []), *quality.reasons, *notes)
    return DonorPhoto(name, round(score, 3), advice, used=True)
