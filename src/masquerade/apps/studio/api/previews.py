"""Single frames of uploads: as they are, with the faces in them, and swapped."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from masquerade.apps.jobs.preview import at_most_wide
from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.caster import RolesIn
from masquerade.apps.studio.ids import Id, IdInPath

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.apps.jobs.faces import SeenFace

__all__ = ["router"]

router = APIRouter(tags=["previews"])

_THUMBNAIL_PX = 96
_QUALITY = 88
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The picture"}
}

Moment = Annotated[float, Query(ge=0, le=86_400, description="seconds from the start of a video")]
Width = Annotated[int, Query(ge=16, le=4096, description="pixels; a smaller picture keeps its own")]


class FaceOut(BaseModel):
    """A face of a picture."""

    index: int = Field(description="from 0, from left to right")
    box: tuple[float, float, float, float] = Field(
        description="x0, y0, x1, y1 as shares of width and height, 0..1"
    )
    score: float = Field(description="0..1, how sure the detector is")
    age: float = Field(description="years, as it looks")
    gender: Literal["female", "male"]
    thumbnail: str = Field(description="JPEG as a data address")


class FacesOut(BaseModel):
    """The faces of one frame."""

    width: int
    height: int
    faces: list[FaceOut]


class PreviewIn(RolesIn):
    """Which frame, and how it is to be swapped."""

    upload: Id
    at_s: float = Field(0.0, ge=0, le=86_400)
    width: int = Field(1280, ge=16, le=4096)


@router.get("/uploads/{upload_id}/faces", summary="The faces in a frame of an upload")
async def read_faces(upload_id: IdInPath, services: Shared, at_s: Moment = 0.0) -> FacesOut:
    """In the order from left to right, by which a job's `map` names them."""
    upload = services.uploads.find(upload_id)
    pixels, faces = await services.desk.run(lambda: services.caster.faces(upload, at_s))
    height, width = pixels.shape[:2]
    listed = [_face(index, face) for index, face in enumerate(faces)]
    return FacesOut(width=width, height=height, faces=listed)


@router.get(
    "/uploads/{upload_id}/frame",
    summary="A frame of an upload as it is",
    response_class=Response,
    responses=_JPEG,
)
async def read_frame(
    upload_id: IdInPath, services: Shared, at_s: Moment = 0.0, width: Width = 1280
) -> Response:
    """The frame that is shown at that moment, exactly."""
    upload = services.uploads.find(upload_id)

    def work() -> bytes:
        with upload.spoken_of():
            return _jpeg(services.previewer.original(upload.path, at_s), width)

    return Response(await services.desk.run(work), media_type="image/jpeg")


@router.post(
    "/preview",
    summary="A frame of an upload, swapped",
    response_class=Response,
    responses=_JPEG,
)
async def create_preview(wanted: PreviewIn, services: Shared) -> Response:
    """As a job would show it, label and credentials included; where nobody is to be swapped, as it
    is.
    """
    upload = services.uploads.find(wanted.upload)
    roles = RolesIn.model_validate(wanted.model_dump(include=set(RolesIn.model_fields)))

    def work() -> bytes:
        key = services.caster.key(roles)
        with upload.spoken_of():
            return services.previewer.swapped_jpeg(
                upload.path,
                wanted.at_s,
                key,
                lambda: services.caster.engine(roles),
                wanted.width,
            )

    return Response(await services.desk.run(work), media_type="image/jpeg")


def _face(index: int, face: SeenFace) -> FaceOut:
    from masquerade.apps.studio.upload_facts import thumbnail_of

    picture = base64.b64encode(thumbnail_of(face.cutting, _THUMBNAIL_PX)).decode()
    return FaceOut(
        index=index,
        box=face.box,
        score=round(face.score, 3),
        age=round(face.age, 1),
        gender=face.gender,
        thumbnail=f"data:image/jpeg;base64,{picture}",
    )


def _jpeg(pixels: NDArray[np.uint8], width: int) -> bytes:
    import cv2

    small = at_most_wide(pixels, width)
    return cv2.imencode(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))[1].tobytes()
