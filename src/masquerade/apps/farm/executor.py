"""Who does tasks: the small protocol between a driver and its workers, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from masquerade.apps.farm.task import Task
from masquerade.apps.jobs.job import Failure

__all__ = ["Done", "Event", "Executor", "Failed", "Lost", "Said", "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """How far a task is.

    Attributes:
        task_id: of the task.
        done: frames that are finished.
        total: frames that there are; None where nobody knows.
    """

    task_id: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """A line for the job's log."""

    task_id: str
    node: str
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """A task is finished; its files are in the job's folder.

    Attributes:
        task_id: of the task.
        node: the machine that did it.
        result: what its step returns, plain JSON.
    """

    task_id: str
    node: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """A task cannot be done, by whomever."""

    task_id: str
    node: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Lost:
    """Whoever did the task is no more: a process was killed, a machine left. Another may do it."""

    task_id: str
    node: str
    reason: str


Event = Told | Said | Done | Failed | Lost


class Executor(Protocol):
    """Workers, wherever they are. One thread uses it.

    A task that was submitted ends with one of :class:`Done`, :class:`Failed` and :class:`Lost`,
    unless it is cancelled.
    """

    @property
    def signs(self) -> bool:
        """Whether its workers sign, so that they can do a short film from file to file."""

    @property
    def slots(self) -> int:
        """How many tasks are done at a time now; may change when machines come and go."""

    def submit(self, task: Task) -> None:
        """Have a task done; it waits where all workers are busy.

        Raises:
            MasqueradeError: it cannot be handed over.
        """

    def results(self, timeout_s: float) -> Sequence[Event]:
        """What has happened since the last call; waits so long for something to happen.

        Raises:
            MasqueradeError: no work can be done any more.
        """

    def cancel(self, job_id: str) -> None:
        """Stop the tasks of a job; nothing is heard of them any more."""

    def close(self) -> None:
        """Stop everything and let go of the workers; may be called twice."""
