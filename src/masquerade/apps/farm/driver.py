"""The driver: takes jobs of the farm from the store and has workers do their pieces.

It reads no frame itself and keeps no state that matters: whatever moment it is killed at, the next
driver finds in the store and in the jobs' folders what is finished, and goes on.
"""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from masquerade.apps.farm.executor import Event, Executor
from masquerade.apps.farm.job_run import JobRun
from masquerade.apps.farm.journal import Journal
from masquerade.apps.farm.pictures_run import begin_run
from masquerade.apps.jobs.job import Failure, Job
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.store import JobStore
from masquerade.core.errors import MasqueradeError, OutputError
from masquerade.core.lifetimes import Closing

__all__ = ["Driver", "Outcome"]

_LOOK_S = 0.2
_TELL_S, _RESCUE_S = 0.5, 5.0
_AHEAD = 1
"""Tasks that wait at the executor, so that no worker waits for the driver."""


@dataclass(slots=True)
class Outcome:
    """What a driver has done: jobs by id."""

    done: list[Job] = field(default_factory=list)
    failed: list[Job] = field(default_factory=list)
    cancelled: list[Job] = field(default_factory=list)


class Driver(Closing):
    """Does jobs until there is none left.

    Args:
        store: where jobs are.
        executor: who works; closed by the caller.
        only: ids of the jobs to do; None for all of the farm, those that come later too.
        say: told in a sentence what happens.
        show: told now and then of the frames that are finished, those that there are, and the
            frames a second lately, over the jobs under way.
        name: what the driver is called in the store.
    """

    def __init__(
        self,
        store: JobStore,
        executor: Executor,
        *,
        only: Collection[str] | None = None,
        say: Callable[[str], None] = lambda _text: None,
        show: Callable[[int, int, float], None] = lambda _done, _total, _fps: None,
        name: WorkerName | None = None,
    ) -> None:
        self._store, self._executor = store, executor
        self._desk = store.desk(name or WorkerName.own(), "farm")
        self._journal = Journal(store)
        self._only, self._say, self._show = only, say, show
        self._runs: dict[str, JobRun] = {}
        self._rates: dict[str, _Rate] = {}
        self._tasks: dict[str, str] = {}
        self._told_s = self._rescued_s = float("-inf")
        self.outcome = Outcome()

    def run(self, *, wait: bool = False) -> Outcome:
        """Do the jobs that wait, by priority.

        Args:
            wait: go on waiting for further ones when all are done.

        Raises:
            MasqueradeError: nobody can do any job: the store or the executor is broken.
        """
        while True:
            self._rescue()
            self._feed()
            if not self._runs and not wait:
                return self.outcome
            for event in self._executor.results(_LOOK_S):
                self._take(event)
            self._tell()

    def close(self) -> None:
        """Leave the jobs at hand, which wait again; may be called twice."""
        for run in self._runs.values():
            self._executor.cancel(run.job.id)
            with contextlib.suppress(MasqueradeError):
                self._desk.release(run.job.id)
        self._runs.clear()

    # Giving out

    def _rescue(self) -> None:
        now_s = time.monotonic()
        if now_s - self._rescued_s > _RESCUE_S:
            self._rescued_s = now_s
            self._store.rescue()

    def _feed(self) -> None:
        """Keep the executor busy: by the jobs at hand, the first by priority, or a new one."""
        while len(self._tasks) < self._executor.slots + _AHEAD:
            most = max((run.job.priority for run in self._runs.values()), default=None)
            if self._claim(above=most):
                continue
            in_turn = sorted(self._runs.values(), key=lambda run: -run.job.priority)
            task = next((task for run in in_turn if (task := run.next_task())), None)
            if task is not None:
                self._tasks[task.id] = task.job_id
                self._executor.submit(task)
            elif not self._claim():
                return

    def _claim(self, *, above: int | None = None) -> bool:
        """Take up a job that waits; where ``above`` is given only one of a higher priority."""
        if above is None and len(self._runs) > self._executor.slots + _AHEAD:
            return False
        job = self._desk.claim(only=self._only, above=above)
        if job is None:
            return False
        try:
            run = begin_run(job, self._journal, signs=self._executor.signs)
        except MasqueradeError as error:
            failure = Failure.of(error, job.spec)
            self._journal.log(job.id, platform.node(), failure.message)
            self._end_failed(job, failure)
            return True
        self._runs[job.id], self._rates[job.id] = run, _Rate()
        kept = f", {run.resumed} pieces are finished already" if run.resumed else ""
        self._say(f"{job.spec.name}: begun{kept}.")
        return True

    # Taking in

    def _take(self, event: Event) -> None:
        job_id = event.task_id.partition("/")[0]
        run = self._runs.get(job_id)
        if run is None:
            return
        run.take(event)
        if not run.is_under_way(event.task_id):
            self._tasks.pop(event.task_id, None)
        if not run.ended:
            return
        self._drop(job_id)
        if run.failure is not None:
            self._end_failed(run.job, run.failure)
        elif run.report is not None:
            self._end_done(run)

    def _end_done(self, run: JobRun) -> None:
        assert run.report is not None
        if self._desk.finish(run.job.id, run.report):
            self.outcome.done.append(run.job)
            self._say(f"{run.job.spec.name}: wrote {run.job.spec.output}.")
            run.folder.remove()
            self._journal.forget(run.job.id)
        else:
            run.job.spec.output.unlink(missing_ok=True)  # cancelled in the last moment
            self._end_cancelled(run)

    def _end_failed(self, job: Job, failure: Failure) -> None:
        if not self._desk.fail(job.id, failure):
            self._desk.release(job.id)
        self.outcome.failed.append(job)
        self._say(f"{job.spec.name}: not written: {failure.message}")

    def _end_cancelled(self, run: JobRun) -> None:
        self._desk.release(run.job.id)
        run.sweep()
        self.outcome.cancelled.append(run.job)
        self._say(f"{run.job.spec.name}: cancelled.")

    def _drop(self, job_id: str) -> None:
        self._executor.cancel(job_id)
        del self._runs[job_id], self._rates[job_id]
        self._tasks = {task: owner for task, owner in self._tasks.items() if owner != job_id}

    def _tell(self) -> None:
        """Write down how far the jobs are, and hear which are not wanted any more."""
        now_s = time.monotonic()
        if now_s - self._told_s < _TELL_S:
            return
        self._told_s = now_s
        done_all, total_all, fps_all = 0, 0, 0.0
        for run in list(self._runs.values()):
            if not self._desk.wanted(run.job.id):
                self._drop(run.job.id)
                self._end_cancelled(run)
                continue
            done, total = run.progress()
            fps = self._rates[run.job.id].of(done, now_s)
            done_all, total_all, fps_all = done_all + done, total_all + total, fps_all + fps
            with contextlib.suppress(OutputError):  # a store that is busy is told the next time
                if total:
                    left_s = (total - done) / fps if fps else None
                    self._desk.beat(run.job.id, progress=done / total, fps=fps, left_s=left_s)
                else:
                    self._desk.beat(run.job.id)
        self._show(done_all, total_all, fps_all)


class _Rate:
    """Frames a second since the first was finished in this run."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def of(self, done: int, now_s: float) -> float:
        if self._first is None:
            self._first = (done, now_s)
        frames, seconds = done - self._first[0], now_s - self._first[1]
        return frames / seconds if frames > 0 and seconds > 0 else 0.0
