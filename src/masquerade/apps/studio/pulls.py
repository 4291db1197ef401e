"""Models being fetched at clients' requests."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from masquerade.apps.studio.ids import new_id
from masquerade.core.errors import CancelledError, MasqueradeError, MissingInputError
from masquerade.core.lifetimes import Closing
from masquerade.models.library import Library

if TYPE_CHECKING:
    from masquerade.models.download import Transferred

__all__ = ["PullTask", "Pulls", "TaskState"]

TaskState = Literal["waiting", "running", "done", "failed", "cancelled"]
_AT_A_TIME = 2
_MOST_KEPT = 100
_WINDOW_S = 10.0
"""Time over which the speed is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullTask:
    """How far a model is.

    Attributes:
        id: opaque.
        model: as the catalogue calls it.
        fetching: what is being fetched: the model itself, or one that it needs.
        state: of the task.
        done_bytes, total_bytes: of the file at hand; None where nobody knows.
        left_s: seconds it will still take; None where nobody knows.
        error: why it failed.
    """

    id: str
    model: str
    fetching: str
    state: TaskState = "waiting"
    done_bytes: int = 0
    total_bytes: int | None = None
    left_s: float | None = None
    error: MasqueradeError | None = None


class Pulls(Closing):
    """Fetches models, two at a time. All methods may be called from any thread.

    Args:
        library: where to.
        clock: seconds, monotonic.
    """

    def __init__(
        self, library: Library | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.library = library or Library()
        self._clock = clock
        self._lock = threading.Lock()
        self._tasks: dict[str, PullTask] = {}
        self._threads = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="studio-pull")

    def begin(self, model: str) -> PullTask:
        """Fetch a model and what it needs; one that is being fetched is not fetched twice.

        Raises:
            ModelError: there is no such model.
            LicenceError: its licence, or that of one it needs, was not accepted.
        """
        names = self._wanted(model)
        with self._lock:
            for task in self._tasks.values():
                if task.model == model and task.state in ("waiting", "running"):
                    return task
            task = PullTask(id=new_id(), model=model, fetching=names[0])
            self._tasks[task.id] = task
            self._drop_old()
        future = self._threads.submit(self._pull, task.id, names)
        future.add_done_callback(lambda ended: self._see_end(task.id, ended))
        return task

    def find(self, task_id: str) -> PullTask:
        """How far a task is.

        Raises:
            MissingInputError: there is none of this id.
        """
        with self._lock:
            task = self._tasks.get(task_id)
        if task is None:
            raise MissingInputError("There is no such task; it may have ended long ago.")
        return task

    def all(self) -> list[PullTask]:
        """The tasks, the oldest first."""
        with self._lock:
            return list(self._tasks.values())

    def cancel(self, task_id: str) -> PullTask:
        """Stop a task; what was fetched is kept, and the next pull goes on from there.

        Raises:
            MissingInputError: there is none of this id.
        """
        self.find(task_id)
        return self._change(task_id, state="cancelled", left_s=None)

    def close(self) -> None:
        """Stop everything; may be called twice."""
        for task in self.all():
            self._change(task.id, state="cancelled")
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _wanted(self, model: str) -> list[str]:
        """The model, and what it needs that is not here; every licence was accepted."""
        spec = self.library.spec(model)
        names = [model, *(name for name in spec.needs if self.library.find(name) is None)]
        for name in names:
            self.library.licences.require(self.library.spec(name))
        return names

    def _pull(self, task_id: str, names: list[str]) -> None:
        from masquerade.models.mirrors import Permissions
        from masquerade.models.pull import Pull

        try:
            for name in names:
                self._go_on(task_id, fetching=name, state="running", done_bytes=0)
                show = _Speed(self._clock, lambda changes: self._go_on(task_id, **changes))
                how = Pull(permissions=Permissions.from_environment(), show=show)
                self.library.pull(name, how)
        except CancelledError:
            return
        except MasqueradeError as error:
            self._change(task_id, state="failed", error=error, left_s=None)
        else:
            self._change(task_id, state="done", left_s=0.0)

    def _see_end(self, task_id: str, ended: Future[None]) -> None:
        """A task whose thread met something unexpected has failed too."""
        if not ended.cancelled() and ended.exception() is not None:
            text = f"An unexpected error stopped the transfer ({ended.exception()}); try again."
            self._change(task_id, state="failed", error=MasqueradeError(text), left_s=None)

    def _go_on(self, task_id: str, **changes: object) -> None:
        """Note changes, unless the task was cancelled.

        Raises:
            CancelledError: it was.
        """
        if self._change(task_id, **changes).state == "cancelled":
            raise CancelledError("The task was cancelled; pull again to go on.")

    def _change(self, task_id: str, **changes: object) -> PullTask:
        """Change a task that has not ended, and return it as it is then."""
        with self._lock:
            task = self._tasks[task_id]
            if task.state in ("waiting", "running"):
                task = self._tasks[task_id] = dataclasses.replace(task, **changes)  # type: ignore[arg-type]
            return task

    def _drop_old(self) -> None:
        ended = [t.id for t in self._tasks.values() if t.state not in ("waiting", "running")]
        for task_id in ended[: max(0, len(self._tasks) - _MOST_KEPT)]:
            del self._tasks[task_id]


class _Speed:
    """Takes each :class:`Transferred` and tells bytes and the time that is left."""

    def __init__(
        self, clock: Callable[[], float], tell: Callable[[dict[str, object]], None]
    ) -> None:
        self._clock, self._tell = clock, tell
        self._moments: deque[tuple[float, int]] = deque()

    def __call__(self, transferred: Transferred) -> None:
        now_s, done, total = self._clock(), transferred.done_bytes, transferred.total_bytes
        if self._moments and done < self._moments[-1][1]:
            self._moments.clear()  # begun anew
        self._moments.append((now_s, done))
        while len(self._moments) > 2 and now_s - self._moments[0][0] > _WINDOW_S:
            self._moments.popleft()
        first_s, first = self._moments[0]
        speed = (done - first) / (now_s - first_s) if now_s > first_s else 0.0
        left_s = max(0, total - done) / speed if total and speed > 0 else None
        self._tell({"done_bytes": done, "total_bytes": total, "left_s": left_s})
