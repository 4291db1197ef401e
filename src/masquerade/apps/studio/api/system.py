"""What the studio and its machine are and do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from masquerade._version import __version__
from masquerade.apps.studio.api.depends import Here, Shared, is_remote
from masquerade.apps.studio.machine import Machine, MachineLoad, has_webrtc, writes_h264
from masquerade.apps.studio.page_files import PAGE_LANGUAGES

__all__ = ["router"]

router = APIRouter(tags=["system"], prefix="/system")

_writes_h264 = lru_cache(maxsize=1)(writes_h264)


class Capabilities(BaseModel):
    """What this client may do here."""

    host_cameras: bool = Field(description="use cameras and microphones of the studio's machine")
    host_sinks: bool = Field(description="use its virtual camera, recordings and streams")
    streams: bool = Field(description="have it open stream addresses of the allow list")
    webrtc: bool
    h264: bool = Field(description="have pictures sent as H.264")


class SystemLimits(BaseModel):
    """How much clients may take."""

    upload_bytes: int
    picture_pixels: int
    sessions: int
    jobs: int


class System(BaseModel):
    """The studio and its machine."""

    version: str
    api: int = Field(description="version of this interface")
    machine: Machine
    capabilities: Capabilities
    limits: SystemLimits
    languages: list[str]
    sessions: int = Field(description="live sessions that run now")
    remote: bool = Field(description="whether this client is on another machine")


class SystemFigures(MachineLoad):
    """What runs now."""

    sessions: list[dict[str, Any]] = Field(description="of each live session: id, fps, latency")
    jobs_running: int


@router.get("", summary="The studio, its machine and its limits")
def read_system(request: Request, services: Shared, here: Here) -> System:
    """What there is, and what this client may do with it."""
    limits = services.config.limits
    return System(
        version=__version__,
        api=1,
        machine=services.machine.machine(),
        capabilities=Capabilities(
            host_cameras=here,
            host_sinks=here,
            streams=bool(services.config.allow_streams),
            webrtc=has_webrtc(),
            h264=_writes_h264(),
        ),
        limits=SystemLimits(
            upload_bytes=limits.upload_bytes,
            picture_pixels=limits.picture_pixels,
            sessions=limits.sessions,
            jobs=limits.jobs,
        ),
        languages=PAGE_LANGUAGES,
        sessions=len(services.rooms),
        remote=is_remote(request),
    )


@router.get("/figures", summary="Memory, processor, sessions and jobs now")
def read_figures(services: Shared) -> SystemFigures:
    """Cheap enough to ask for twice a second."""
    return SystemFigures(
        **services.machine.load().model_dump(),
        sessions=services.rooms.summaries(),
        jobs_running=services.queue.store.count("running"),
    )
