"""Pictures and videos that clients send."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.ids import IdInPath

router = APIRouter(tags=["uploads"], prefix="/uploads")


@router.get("/{upload_id}/thumbnail", summary="A small JPEG of an upload")
def read_thumbnail(upload_id: IdInPath, services: Shared) -> Response:
    """At most 320 pixels a side."""
    return Response(services.uploads.find(upload_id).facts.thumbnail, media_type="image/jpeg")


@router.delete("/{upload_id}", status_code=204, summary="Delete an upload")
def delete_upload(upload_id: IdInPath, services: Shared) -> None:
    """Delete it now instead of after its time."""
    services.uploads.remove(upload_id)
