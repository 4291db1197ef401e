"""Jobs as clients see them."""

from __future__ import annotations

import mimetypes
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from masquerade.apps.jobs.job import Job, JobState
from masquerade.apps.studio.problems import Problem, model_of
from masquerade.trust.sidecar import sidecar_path

__all__ = ["JobOut", "ResultOut", "TargetOut", "VideoIn", "result_name"]


class VideoIn(BaseModel):
    """How a video is written; what is missing is left to the program."""

    model_config = ConfigDict(extra="forbid")

    encoder: str | None = Field(None, max_length=40, description="as FFmpeg calls it")
    quality: int | None = Field(None, ge=0, le=100)
    preset: str | None = Field(None, max_length=20)
    fps: float | None = Field(None, ge=0.1, le=1000)
    no_audio: bool | None = None
    start_s: float | None = Field(None, ge=0, le=86_400)
    end_s: float | None = Field(None, gt=0, le=86_400)


class TargetOut(BaseModel):
    """What is swapped."""

    name: str
    kind: Literal["picture", "video"]


class ResultOut(BaseModel):
    """What came of it."""

    bytes: int
    name: str
    kind: Literal["picture", "video"]
    credentials: bool = Field(
        description="whether its credentials are a file of their own, at `/credentials`"
    )


class JobOut(BaseModel):
    """One file's way through the queue."""

    id: str
    state: JobState
    target: TargetOut
    progress: float = Field(description="0..1")
    fps: float | None = Field(description="frames a second; null before the first")
    left_s: float | None = Field(description="seconds it will still take; null if nobody knows")
    attempts: int = Field(description="how often it was begun")
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: Problem | None
    report: dict[str, Any] | None = Field(description="what was done, in numbers")
    result: ResultOut | None

    @classmethod
    def of(cls, job: Job) -> JobOut:
        """What clients are told of ``job``."""
        return cls(
            id=job.id,
            state=job.state,
            target=TargetOut(name=job.spec.name, kind=_kind(job)),
            progress=job.progress,
            fps=job.fps,
            left_s=job.left_s,
            attempts=job.attempts,
            created=_moment(job.created),
            started=None if job.started is None else _moment(job.started),
            finished=None if job.finished is None else _moment(job.finished),
            error=model_of(job.failure.as_error()) if job.failure else None,
            report=dict(job.report) if job.report else None,
            result=_result(job),
        )


def result_name(job: Job) -> str:
    """What the result is called when it is saved."""
    return f"{Path(job.spec.name).stem}-swapped{job.spec.output.suffix}"


def _kind(job: Job) -> Literal["picture", "video"]:
    """What shows it: animated pictures are shown as pictures are."""
    guess = mimetypes.guess_type(job.spec.output.name)[0] or ""
    return "video" if guess.startswith("video/") else "picture"


def _result(job: Job) -> ResultOut | None:
    if job.state != "done":
        return None
    try:
        size = job.spec.output.stat().st_size
    except OSError:
        return None
    apart = sidecar_path(job.spec.output).is_file()
    return ResultOut(bytes=size, name=result_name(job), kind=_kind(job), credentials=apart)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
