"""Live sessions by WebSocket, and the files that they make."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, WebSocket
from starlette.responses import FileResponse

from masquerade.apps.studio.api.depends import (
    Shared,
    is_remote,
    may_use_host_devices,
    services,
)
from masquerade.apps.studio.ids import IdInPath

if TYPE_CHECKING:
    from masquerade.apps.studio.live.conversation import Conversation
    from masquerade.apps.studio.live.room_tools import RoomTools
    from masquerade.apps.studio.services import Services

__all__ = ["router"]

router = APIRouter(tags=["live"], prefix="/live")

SUBPROTOCOL = "masquerade.v1"
_WRONG_PROTOCOL = 4400


@router.websocket("")
async def talk(socket: WebSocket) -> None:
    """One live session; docs/studio-api.md has the messages."""
    offered = socket.scope.get("subprotocols") or ()
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if offered and SUBPROTOCOL not in offered:
        await socket.close(_WRONG_PROTOCOL, f"The sub-protocol is {SUBPROTOCOL}.")
        return
    # Engines take a while to import, and nobody else may wait for that.
    make, tools = await asyncio.to_thread(
        _prepare, services(socket), is_remote(socket), may_use_host_devices(socket)
    )
    await make(socket, services(socket).rooms, tools).run()


def _prepare(shared: Services, remote: bool, here: bool) -> tuple[type[Conversation], RoomTools]:
    from masquerade.apps.studio.live.conversation import Conversation
    from masquerade.apps.studio.live.host_devices import HostDevices
    from masquerade.apps.studio.live.room_tools import RoomTools
    from masquerade.apps.studio.live.sources import SourceOpener

    devices = HostDevices(allowed=here)
    tools = RoomTools(
        find_donor=shared.find_donor,
        files=shared.rooms.files,
        opener=SourceOpener(devices, shared.uploads, shared.streams, remote=remote),
        devices=devices,
        streams=shared.streams,
        remote=remote,
    )
    return Conversation, tools


@router.get(
    "/files/{file_id}",
    summary="A recording or a snapshot",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}, "image/png": {}}}},
)
def read_file(
    file_id: IdInPath,
    services: Shared,
    download: Annotated[bool, Query(description="as a file to keep")] = True,
) -> FileResponse:
    """Parts of it too, by the header Range."""
    found = services.rooms.files.find(file_id)
    return FileResponse(
        found.path,
        media_type=found.media_type,
        filename=found.name,
        content_disposition_type="attachment" if download else "inline",
    )


@router.delete("/files/{file_id}", status_code=204, summary="Delete a recording or a snapshot")
def delete_file(file_id: IdInPath, services: Shared) -> None:
    """Delete it now instead of after its time."""
    services.rooms.files.remove(file_id)
