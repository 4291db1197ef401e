"""Files that are swapped in the background: submit, watch, fetch, remove."""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, StreamingResponse

from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.api.job_views import JobOut, VideoIn, result_name
from masquerade.apps.studio.caster import RolesIn
from masquerade.apps.studio.ids import Id, IdInPath
from masquerade.apps.studio.services import Services
from masquerade.core.disclosure import SIDECAR_SUFFIX
from masquerade.core.errors import JobError, MasqueradeError, MissingInputError
from masquerade.trust.sidecar import sidecar_path

__all__ = ["router"]

router = APIRouter(tags=["jobs"], prefix="/jobs")

_QUIET_S = 15.0
"""How often a stream of events without any says that it is there."""


class JobsIn(RolesIn):
    """What is to be done with some uploads."""

    targets: list[Id] = Field(min_length=1, max_length=100, description="uploads")
    video: VideoIn | None = Field(None, description="how videos are written; null for the default")


@router.post("", status_code=201, summary="Swap uploads, one job for each")
async def create_jobs(wanted: JobsIn, services: Shared) -> list[JobOut]:
    """The jobs wait their turn. They keep what they need of the uploads, which may be deleted."""
    under_way = services.queue.store.count("waiting", "running")
    if under_way + len(wanted.targets) > services.config.limits.jobs:
        raise HTTPException(
            429,
            f"{under_way} jobs are under way and {services.config.limits.jobs} are allowed; wait, "
            "or cancel some.",
            headers={"Retry-After": "10"},
        )
    for target in wanted.targets:
        services.uploads.find(target)
    submit = functools.partial(_submit, wanted, services)
    return [await services.desk.run(functools.partial(submit, id_)) for id_ in wanted.targets]


def _submit(wanted: JobsIn, services: Services, target: str) -> JobOut:
    upload = services.uploads.find(target)
    video = wanted.video.model_dump(exclude_none=True) if wanted.video else {}
    job_id = services.queue.store.new_id()
    folder = services.queue.files_of(job_id)
    try:
        spec = services.caster.spec(wanted, upload, folder, video)
        return JobOut.of(services.queue.add(spec, job_id=job_id))
    except MasqueradeError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@router.get("", summary="Jobs, the newest first")
def read_jobs(
    services: Shared,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[Id | None, Query(description="older than this job")] = None,
) -> list[JobOut]:
    """Page by page with `before`."""
    return [JobOut.of(job) for job in services.queue.store.newest(limit, before=before)]


@router.get(
    "/events",
    summary="Changed jobs, as they change",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"}},
)
async def watch_jobs(
    request: Request,
    services: Shared,
    since: Annotated[int | None, Query(ge=0, description="number of the last event seen")] = None,
) -> StreamingResponse:
    """Events `job` with a job, and `gone` with the id of one that was removed.

    Each has a number as its `id`; a browser that connects again names it (`Last-Event-ID`) and
    misses nothing. Without one, events begin with the present.
    """
    seen = request.headers.get("last-event-id", "")
    if seen.isdecimal() and len(seen) < 19:
        since = int(seen)
    elif since is None:
        since = await asyncio.to_thread(lambda: services.queue.store.latest)
    return StreamingResponse(
        _events(services, since),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(services: Services, since: int) -> AsyncIterator[str]:
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        loop.call_soon_threadsafe(news.set)

    stop = services.queue.listen(tell)
    try:
        yield ": here\n\n"
        while not services.ending.is_set():
            changes = await asyncio.to_thread(services.queue.store.changes, since)
            since = changes.latest
            for job in changes.jobs:
                yield _event("job", JobOut.of(job).model_dump_json(), job.change)
            for job_id in changes.forgotten:
                yield _event("gone", json.dumps({"id": job_id}), since)
            try:
                await asyncio.wait_for(news.wait(), _QUIET_S)
                news.clear()
            except TimeoutError:
                yield ": quiet\n\n"
    finally:
        stop()


def _event(kind: str, data: str, number: int) -> str:
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n"


@router.get("/{job_id}", summary="How far a job is")
def read_job(job_id: IdInPath, services: Shared) -> JobOut:
    """One job."""
    return JobOut.of(services.queue.store.get(job_id))


@router.delete("/{job_id}", summary="Cancel a job, or forget one that has ended")
def delete_job(job_id: IdInPath, services: Shared) -> JobOut | None:
    """A job that waits or runs is cancelled and answered; one that has ended is removed with its
    files, and the answer is null.
    """
    job = services.queue.remove(job_id)
    return JobOut.of(job) if job else None


@router.post("/{job_id}/retry", summary="Do a failed or cancelled job again")
def retry_job(job_id: IdInPath, services: Shared) -> JobOut:
    """With the same donors and settings."""
    return JobOut.of(services.queue.store.retry(job_id))


_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file"},
    206: {"description": "A part of it"},
}


@router.get(
    "/{job_id}/result", summary="The swapped file", response_class=FileResponse, responses=_FILE
)
def read_result(job_id: IdInPath, services: Shared) -> FileResponse:
    """Parts of it too (`Range`), so that a player can seek."""
    job = services.queue.store.get(job_id)
    if job.state != "done":
        raise JobError(f"The job is {job.state} and has no result; wait until it is done.")
    return _file(job.spec.output, result_name(job))


@router.get(
    "/{job_id}/credentials",
    summary="The credentials of a result that cannot carry them",
    response_class=FileResponse,
    responses=_FILE,
)
def read_credentials(job_id: IdInPath, services: Shared) -> FileResponse:
    """To be kept beside the result under this name. Only results such as .mkv and .webm have one;
    the others carry their credentials within themselves.
    """
    job = services.queue.store.get(job_id)
    path = sidecar_path(job.spec.output)
    if job.state != "done" or not path.is_file():
        raise MissingInputError("There is no such file; the result carries its credentials itself.")
    return _file(path, f"{result_name(job)}{SIDECAR_SUFFIX}")


@router.get(
    "/{job_id}/target",
    summary="The file before the swap",
    response_class=FileResponse,
    responses=_FILE,
)
def read_target(job_id: IdInPath, services: Shared) -> FileResponse:
    """Parts of it too (`Range`)."""
    job = services.queue.store.get(job_id)
    return _file(job.spec.target, job.spec.name)


def _file(path: Path, name: str) -> FileResponse:
    if not path.is_file():
        raise MissingInputError("The file was deleted; submit the job anew.")
    return FileResponse(path, filename=name)
