"""Cameras, microphones and outputs of the host."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from masquerade.apps.studio.api.depends import Here

__all__ = ["router"]

router = APIRouter(tags=["devices"], prefix="/devices")


class DeviceFacts(BaseModel):
    """A camera or a microphone."""

    id: str
    name: str


class SinkFacts(BaseModel):
    """An output that a live session can switch on."""

    id: str = Field(description="`recording`, `virtual-camera` or `rtmp`")
    name: str
    ready: bool = Field(description="false where something must be installed or allowed first")


class Devices(BaseModel):
    """What there is on the host, as far as this client may use it."""

    cameras: list[DeviceFacts]
    microphones: list[DeviceFacts]
    sinks: list[SinkFacts]
    puppet: DeviceFacts


@router.get("", summary="Cameras, microphones and outputs of the host")
def read_devices(here: Here) -> Devices:
    """Browsers on other machines see none of the host's own, unless the studio lends them."""
    from masquerade.apps.studio.live.host_devices import HostDevices

    host = HostDevices(allowed=here)
    listed = {
        kind: [DeviceFacts(id=device, name=name) for device, name in host.listed(kind)]
        for kind in ("camera", "microphone")
    }
    sinks = [SinkFacts(id="recording", name="Recording", ready=True)]
    if here:
        ready = host.has_virtual_camera()
        sinks.append(SinkFacts(id="virtual-camera", name="Virtual camera", ready=ready))
        sinks.append(SinkFacts(id="rtmp", name="Stream (RTMP)", ready=True))
    return Devices(
        cameras=listed["camera"],
        microphones=listed["microphone"],
        sinks=sinks,
        puppet=DeviceFacts(id="puppet", name="Puppet"),
    )
