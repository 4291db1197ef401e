"""Pictures and videos that clients send."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.ids import IdInPath
from masquerade.apps.studio.multipart import receive_file
from masquerade.apps.studio.uploads import Upload

__all__ = ["UploadOut", "router"]

router = APIRouter(tags=["uploads"], prefix="/uploads")

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                    "additionalProperties": False,
                }
            }
        },
    }
}
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The picture"}
}


class UploadOut(BaseModel):
    """A picture or a video that was sent."""

    id: str
    kind: Literal["picture", "video"]
    name: str = Field(description="the file's own name; for showing")
    bytes: int
    width: int = Field(description="pixels, upright")
    height: int = Field(description="pixels, upright")
    duration_s: float | None = Field(description="null for a picture")
    faces: None = Field(description="nobody has searched yet; see /uploads/{id}/faces")

    @classmethod
    def of(cls, upload: Upload) -> UploadOut:
        """What clients are told of ``upload``."""
        facts = upload.facts
        return cls(
            id=upload.id,
            kind=facts.kind,
            name=upload.name,
            bytes=upload.bytes,
            width=facts.width,
            height=facts.height,
            duration_s=facts.duration_s,
            faces=None,
        )


@router.post(
    "",
    status_code=201,
    summary="Send a picture or a video",
    openapi_extra=_FORM,
)
async def create_upload(request: Request, services: Shared) -> UploadOut:
    """Send one file as a form with a field called `file`.

    Its kind is told by its content. It is refused while it comes where it is too large or of
    another kind. It is deleted when nobody used it for some time, and when the studio ends.
    """
    return UploadOut.of(await receive_file(request, services.uploads))


@router.get("/{upload_id}", summary="What an upload is")
def read_upload(upload_id: IdInPath, services: Shared) -> UploadOut:
    """The same as after sending it."""
    return UploadOut.of(services.uploads.find(upload_id))


@router.get(
    "/{upload_id}/thumbnail",
    summary="A small JPEG of an upload",
    response_class=Response,
    responses=_JPEG,
)
def read_thumbnail(upload_id: IdInPath, services: Shared) -> Response:
    """The picture, or the video's first frame, with at most 320 pixels a side."""
    thumbnail = services.uploads.find(upload_id).facts.thumbnail
    headers = {"Cache-Control": "private, max-age=86400, immutable"}
    return Response(thumbnail, media_type="image/jpeg", headers=headers)


@router.delete("/{upload_id}", status_code=204, summary="Delete an upload")
def delete_upload(upload_id: IdInPath, services: Shared) -> None:
    """Delete it now instead of after its time."""
    services.uploads.remove(upload_id)
