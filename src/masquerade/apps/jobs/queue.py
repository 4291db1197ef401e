"""The queue: a store, its files, and the worker processes that do its jobs."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from masquerade.apps.jobs.job import ENDED, Job, JobSpec
from masquerade.apps.jobs.store import JobStore
from masquerade.core.errors import MasqueradeError
from masquerade.core.lifetimes import Closing

__all__ = ["JobQueue"]

_LOOK_S = 0.25
_SWEEP_S = 60.0
_END_S = 8.0
_PAUSE_S = 5.0
"""How long nobody is started after a worker could not even begin."""


class JobQueue(Closing):
    """Jobs of a folder, done by worker processes. All methods may be called from any thread.

    Several queues, in several processes, may share a folder: each starts its own workers.

    Args:
        folder: holds ``jobs.sqlite`` and, for each job, a folder of its name for its files.
        workers: how many jobs are done at a time; 0 leaves them to others.
        keep_s: seconds after which a job that has ended is forgotten with its files; None keeps
            all.
        idle_s: seconds without work after which a worker ends and gives its memory back.

    Raises:
        JobError: the store is damaged or of a newer version.
        OutputError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        keep_s: float | None = None,
        idle_s: float = 60.0,
    ) -> None:
        self.folder = folder
        self.store = JobStore(folder / "jobs.sqlite")
        self._workers, self._keep_s, self._idle_s = workers, keep_s, idle_s
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listeners: set[Callable[[], None]] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="job-queue", daemon=True)

    def start(self) -> None:
        """Look after the store from now on: rescue, start workers, tell listeners, sweep."""
        self._thread.start()

    def files_of(self, job_id: str) -> Path:
        """The folder of a job's files; made where it is not there, for this user alone.

        Raises:
            OutputError: it cannot be made.
        """
        from masquerade.media.output_file import output_error

        folder = self.folder / job_id
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise output_error(error, folder / "result") from error
        return folder

    def add(self, spec: JobSpec, *, priority: int = 0, job_id: str | None = None) -> Job:
        """Put a job into the queue; see :meth:`JobStore.add`."""
        return self.store.add(spec, priority=priority, job_id=job_id)

    def remove(self, job_id: str) -> Job | None:
        """Cancel a job that waits or runs; forget one that has ended, with its files.

        Returns:
            The cancelled job, None where it is forgotten.

        Raises:
            MissingJobError: there is none.
        """
        job = self.store.get(job_id)
        if job.state not in ENDED:
            return self.store.cancel(job_id)
        self.store.forget(job_id)
        shutil.rmtree(self.folder / job_id, ignore_errors=True)
        if job.lane == "farm":
            from masquerade.apps.farm.work_folder import WorkFolder  # it knows the engine

            WorkFolder.of(job.spec.output, job_id).remove()
        return None

    def sweep(self) -> None:
        """Forget jobs that ended long ago, and delete files that no job owns any more."""
        if self._keep_s is not None:
            for job in self.store.ended_before(time.time() - self._keep_s):
                with contextlib.suppress(MasqueradeError):  # another process was quicker
                    self.remove(job.id)
        known = {job.id for job in self.store.newest(2**31)}
        for folder in self.folder.iterdir():
            # A folder is made shortly before its job; give whoever does so time.
            if folder.is_dir() and folder.name not in known and _age_s(folder) > _SWEEP_S:
                shutil.rmtree(folder, ignore_errors=True)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have ``listener`` called, in the queue's thread, whenever a job has changed.

        Returns:
            What ends it.
        """
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def wake(self) -> None:
        """Call the listeners now."""
        for listener in tuple(self._listeners):
            listener()

    def close(self) -> None:
        """Stop the workers, whose jobs wait again, and let go of the store. May be called twice."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        until = time.monotonic() + _END_S
        for process in self._processes:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self.store.close()

    # The queue's own thread

    def _tend(self) -> None:
        seen, swept_s, paused_s = 0, float("-inf"), float("-inf")
        while not self._closing.is_set():
            now_s = time.monotonic()
            # What goes wrong here (a full disk) passes, or shows at the next request.
            with contextlib.suppress(MasqueradeError, OSError):
                self.store.rescue()
                if self._reap():
                    paused_s = now_s
                if now_s - paused_s > _PAUSE_S:
                    self._start_worker()
                if now_s - swept_s > _SWEEP_S:
                    swept_s = now_s
                    self.sweep()
                latest = self.store.latest
                if latest != seen:
                    seen = latest
                    self.wake()
            self._closing.wait(_LOOK_S)

    def _reap(self) -> bool:
        """Let go of workers that ended; whether one of them could not work at all."""
        ended = [process for process in self._processes if process.poll() is not None]
        for process in ended:
            self._processes.remove(process)
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
        return any((process.returncode or 0) > 0 for process in ended)

    def _start_worker(self) -> None:
        """One more process, if there is a job for it."""
        if len(self._processes) < self._workers and self.store.count("waiting"):
            command = [sys.executable, "-m", "masquerade.apps.jobs.worker"]
            command += [str(self.store.path), "--idle", str(self._idle_s)]
            self._processes.append(
                # Ctrl-C in a terminal is for this process; the worker ends with its input.
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
            )


def _age_s(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return time.time() - folder.stat().st_mtime
    return 0.0
