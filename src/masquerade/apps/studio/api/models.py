"""Public networks: which there are, what they cost here, their licences, getting and removing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.ids import IdInPath
from masquerade.apps.studio.model_facts import ModelFacts, all_models, facts_of_model
from masquerade.apps.studio.problems import Problem, model_of
from masquerade.apps.studio.pulls import PullTask, TaskState
from masquerade.core.errors import LicenceError, ModelError

__all__ = ["router"]

router = APIRouter(tags=["models"])


def _known(
    name: Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")], services: Shared
) -> str:
    """The name of a model that there is; nothing is at the address of another (404)."""
    try:
        return services.pulls.library.spec(name).name
    except ModelError as error:
        raise HTTPException(404, str(error)) from error


ModelName = Annotated[str, Depends(_known)]


class LicenceIn(BaseModel):
    """The licence that the user has read."""

    model_config = ConfigDict(extra="forbid")

    licence: str = Field(max_length=200, description="as `GET /models` names it")


class TaskOut(BaseModel):
    """How far a transfer is."""

    id: str
    model: str
    fetching: str = Field(description="the model, or one that it needs")
    state: TaskState
    done_bytes: int
    total_bytes: int | None
    left_s: float | None
    error: Problem | None

    @classmethod
    def of(cls, task: PullTask) -> TaskOut:
        """What clients are told of ``task``."""
        return cls(
            id=task.id,
            model=task.model,
            fetching=task.fetching,
            state=task.state,
            done_bytes=task.done_bytes,
            total_bytes=task.total_bytes,
            left_s=task.left_s,
            error=model_of(task.error) if task.error else None,
        )


class PulledOut(BaseModel):
    """A transfer that has begun."""

    task: str


@router.get("/models", summary="Every public network that can be used")
async def read_models(services: Shared) -> list[ModelFacts]:
    """The built-in ones, which are always there, are not among them."""
    return await services.desk.run(lambda: all_models(services.pulls.library))


@router.post("/models/{name}/accept", summary="Accept a model's licence")
def accept_licence(name: ModelName, wanted: LicenceIn, services: Shared) -> ModelFacts:
    """Remembered on this machine until the terms change."""
    library = services.pulls.library
    spec = library.spec(name)
    if wanted.licence != spec.licence:
        raise LicenceError(
            f"The licence of {name} is {spec.licence}; read {spec.licence_url} and accept that one."
        )
    library.licences.accept(spec)
    return facts_of_model(library, name)


@router.post("/models/{name}/pull", status_code=202, summary="Fetch a model and what it needs")
def pull_model(name: ModelName, services: Shared) -> PulledOut:
    """The licence is to be accepted before. See `/tasks/{id}` for how far it is."""
    return PulledOut(task=services.pulls.begin(name).id)


@router.delete("/models/{name}", status_code=204, summary="Delete a model from this machine")
def delete_model(name: ModelName, services: Shared) -> None:
    """With the variants that were made of it."""
    try:
        services.pulls.library.remove(name)
    except ModelError as error:
        raise HTTPException(404, str(error)) from error


@router.get("/tasks", summary="Transfers, the oldest first")
def read_tasks(services: Shared) -> list[TaskOut]:
    """Those that ended lately too."""
    return [TaskOut.of(task) for task in services.pulls.all()]


@router.get("/tasks/{task_id}", summary="How far a transfer is")
def read_task(task_id: IdInPath, services: Shared) -> TaskOut:
    """One transfer."""
    return TaskOut.of(services.pulls.find(task_id))


@router.delete("/tasks/{task_id}", summary="Stop a transfer")
def delete_task(task_id: IdInPath, services: Shared) -> TaskOut:
    """What was fetched is kept; another pull goes on from there."""
    return TaskOut.of(services.pulls.cancel(task_id))
