"""Donors that are kept: made of photos, with advice on each, and on what ground they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import FileResponse

from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.ids import Id, IdInPath
from masquerade.apps.studio.kept_identity import KeptIdentity
from masquerade.apps.studio.services import Services
from masquerade.trust.consent import Basis
from masquerade.trust.minors import Guardian

__all__ = ["router"]

router = APIRouter(tags=["identities"], prefix="/identities")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Photos = Annotated[list[Id], Field(min_length=1, max_length=16, description="uploads, pictures")]
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The picture"}
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The identity"}
}


class IdentityIn(BaseModel):
    """A donor to be kept."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    uploads: Photos
    consent: Basis | None = Field(
        None,
        description="on what ground the face is used; missing where it was stated of these photos "
        "before",
    )
    guardian: Guardian | None = Field(
        None,
        description="of a donor who looks under 18: a parent or guardian has agreed, or the person "
        "is an adult; asked for with the code `guardian`",
    )


class PhotosIn(BaseModel):
    """More photos of a donor."""

    model_config = ConfigDict(extra="forbid")

    uploads: Photos


class NameIn(BaseModel):
    """Another name."""

    model_config = ConfigDict(extra="forbid")

    name: Name


class IdentityOut(BaseModel):
    """A donor that is kept."""

    id: str
    name: str
    photos: int = Field(description="that the identity is made of")
    quality: float = Field(description="0..1, of the best photo; from 0.7 on nothing is in the way")
    advice: list[str] = Field(description="how better photos would look, the weightiest first")
    consent: Basis
    created: str

    @classmethod
    def of(cls, kept: KeptIdentity, **more: Any) -> Self:
        """What clients are told of ``kept``."""
        return cls(
            id=kept.id,
            name=kept.name,
            photos=sum(photo.used for photo in kept.photos),
            quality=kept.quality,
            advice=list(kept.advice),
            consent=kept.consent,
            created=kept.created,
            **more,
        )


class PhotoOut(BaseModel):
    """What one photo is worth."""

    upload: str
    quality: float = Field(description="0..1; 0 where it cannot be used")
    advice: list[str]
    used: bool


class MadeOut(IdentityOut):
    """A donor, and what each of the photos that came now is worth."""

    looked_at: list[PhotoOut]


@router.get("", summary="Donors that are kept, the oldest first")
def read_identities(services: Shared) -> list[IdentityOut]:
    """They stay until they are deleted."""
    return [IdentityOut.of(kept) for kept in services.shelf.all()]


@router.post("", status_code=201, summary="Keep a donor")
async def create_identity(wanted: IdentityIn, services: Shared) -> MadeOut:
    """Photos that cannot be used are named in `looked_at`; one that can is enough.

    `consent` is remembered on this machine, as the command line does.
    """
    photos = _photos(wanted.uploads, services)
    kept = await services.desk.run(
        lambda: services.shelf.make(wanted.name, photos, wanted.consent, wanted.guardian)
    )
    return _made(kept, wanted.uploads)


@router.post("/{identity_id}/photos", summary="Add photos to a donor")
async def create_photos(identity_id: IdInPath, wanted: PhotosIn, services: Shared) -> MadeOut:
    """The identity is made anew of all of them."""
    photos = _photos(wanted.uploads, services)
    kept = await services.desk.run(lambda: services.shelf.add_photos(identity_id, photos))
    return _made(kept, wanted.uploads)


@router.patch("/{identity_id}", summary="Rename a donor")
def update_identity(identity_id: IdInPath, wanted: NameIn, services: Shared) -> IdentityOut:
    """Jobs that wait keep the old name."""
    return IdentityOut.of(services.shelf.rename(identity_id, wanted.name))


@router.delete("/{identity_id}", status_code=204, summary="Delete a donor and its photos")
def delete_identity(identity_id: IdInPath, services: Shared) -> None:
    """Jobs that wait for it will fail."""
    services.shelf.remove(identity_id)


@router.get(
    "/{identity_id}/thumbnail",
    summary="A small JPEG of a donor",
    response_class=FileResponse,
    responses=_JPEG,
)
def read_thumbnail(identity_id: IdInPath, services: Shared) -> FileResponse:
    """The best photo's face."""
    return FileResponse(services.shelf.find(identity_id).thumbnail, media_type="image/jpeg")


@router.get(
    "/{identity_id}/file",
    summary="A donor as a file for the command line",
    response_class=FileResponse,
    responses=_FILE,
)
def read_file(identity_id: IdInPath, services: Shared) -> FileResponse:
    """`masquerade swap -s NAME.mqid` takes it."""
    kept = services.shelf.find(identity_id)
    return FileResponse(
        kept.file, media_type="application/octet-stream", filename=f"{kept.name}.mqid"
    )


def _photos(uploads: Sequence[str], services: Services) -> list[tuple[str, Any]]:
    found = [services.uploads.find(upload_id) for upload_id in dict.fromkeys(uploads)]
    return [(upload.name, upload.path) for upload in found]


def _made(kept: KeptIdentity, uploads: Sequence[str]) -> MadeOut:
    ids = list(dict.fromkeys(uploads))
    looked_at = [
        PhotoOut(upload=i, quality=p.quality, advice=list(p.advice), used=p.used)
        for i, p in zip(ids, kept.photos[-len(ids) :], strict=True)
    ]
    return MadeOut.of(kept, looked_at=looked_at)
