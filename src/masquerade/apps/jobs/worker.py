"""A process that does jobs of a store, one after the other.

It is started as ``python -m masquerade.apps.jobs.worker STORE``: a process of its own, and one that
gives way to others (``nice``), so that jobs neither take turns with a live stream's Python nor take
its cores; and what a file does to it, it does to it alone.

It ends by itself: when there is nothing to do for a while, and at once when its standard input
ends, which is when whoever started it is no more.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from masquerade.apps.jobs.job import Failure, Job
from masquerade.apps.jobs.liveness import WorkerName
from masquerade.apps.jobs.store import JobStore
from masquerade.core.errors import CancelledError, MasqueradeError, OutputError

if TYPE_CHECKING:
    from masquerade.apps.jobs.desk import WorkerDesk
    from masquerade.pipeline.meter import Progress

__all__ = ["Worker", "main"]

_LOOK_S = 0.3
"""How often a worker asks for work, and whether the job at hand is still wanted."""
_TELL_S, _BEAT_S = 0.5, 5.0
"""How often progress is written down, and that the worker lives where there is none."""
_GRACE_S = 5.0
"""A job that does not stop for this long, such as one that loads a network, is left by force."""
_NICE = 15
_STDIN = 0


class Worker:
    """Takes jobs and does them.

    Args:
        store: where jobs are.
        name: what the worker is called in the store.
        idle_s: seconds without a job after which :meth:`run` returns.
    """

    def __init__(self, store: JobStore, name: WorkerName, *, idle_s: float = 60.0) -> None:
        self._store = store
        self._desk: WorkerDesk = store.desk(name)
        self._idle_s = idle_s
        self._closing = threading.Event()

    def run(self) -> None:
        """Work until there was nothing to do for a while, or :meth:`stop`.

        Raises:
            JobError, OutputError: the store cannot be used.
        """
        idle_since = time.monotonic()
        while not self._closing.is_set():
            job = self._desk.claim()
            if job is not None:
                self._do(job)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > self._idle_s:
                return
            else:
                self._closing.wait(_LOOK_S)

    def stop(self) -> None:
        """Leave the job at hand, which waits again, and end; may be called from any thread."""
        self._closing.set()

    def _do(self, job: Job) -> None:
        remove_pieces(job.spec.output)
        with _Watch(self._desk, job, self._closing) as watch:
            try:
                from masquerade.apps.jobs.work import do_job  # takes a second: after the claim

                report = do_job(job.spec, watch.show)
            except CancelledError:
                self._desk.release(job.id)
            except MasqueradeError as error:
                if not self._desk.fail(job.id, Failure.of(error, job.spec)):
                    self._desk.release(job.id)
            else:
                if not self._desk.finish(job.id, report.as_dict()):
                    job.spec.output.unlink(missing_ok=True)  # cancelled in the last moment
                    self._desk.release(job.id)


class _Watch:
    """Looks after one job: tells how far it is, and hears whether it is still wanted."""

    def __init__(self, desk: WorkerDesk, job: Job, closing: threading.Event) -> None:
        self._desk, self._job, self._closing = desk, job, closing
        self._unwanted, self._over = threading.Event(), threading.Event()
        self._told_s = float("-inf")
        self._thread = threading.Thread(target=self._watch, name="job-watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def show(self, progress: Progress) -> None:
        """Write progress down now and then.

        Raises:
            CancelledError: the job is not wanted any more, or the worker is to end.
        """
        if self._unwanted.is_set() or self._closing.is_set():
            raise CancelledError("The job was stopped; nothing was written.")
        now_s = time.monotonic()
        if progress.total and now_s - self._told_s >= _TELL_S:
            self._told_s = now_s
            share = min(progress.done / progress.total, 1.0)
            with contextlib.suppress(OutputError):  # a store that is busy is told the next time
                self._desk.beat(
                    self._job.id, progress=share, fps=progress.fps, left_s=progress.eta_s
                )

    def _watch(self) -> None:
        beaten_s = time.monotonic()
        while not self._over.wait(_LOOK_S):
            if self._closing.is_set() or not self._is_wanted():
                self._unwanted.set()
                break
            if time.monotonic() - beaten_s > _BEAT_S:
                beaten_s = time.monotonic()
                with contextlib.suppress(MasqueradeError):
                    self._desk.beat(self._job.id)
        if not self._over.wait(_GRACE_S):
            self._leave_by_force()

    def _is_wanted(self) -> bool:
        try:
            return self._desk.wanted(self._job.id)
        except MasqueradeError:
            return True  # a store that cannot be read for a moment takes nobody's job away

    def _leave_by_force(self) -> None:
        with contextlib.suppress(MasqueradeError):
            remove_pieces(self._job.spec.output)
            self._desk.release(self._job.id)
        os._exit(0)


def remove_pieces(output: Path) -> None:
    """Delete what a worker that was killed has left of ``output``: see OutputFile."""
    stem, suffix = glob.escape(output.stem[:80]), glob.escape(output.suffix)
    for piece in output.parent.glob(f".{stem}-{'[0-9a-f]' * 8}.part{suffix}"):
        with contextlib.suppress(OSError):
            piece.unlink()


def main(words: list[str] | None = None) -> int:
    """Work until there is nothing to do or standard input ends; returns the exit code."""
    parser = argparse.ArgumentParser(prog="masquerade.apps.jobs.worker")
    parser.add_argument("store", type=Path)
    parser.add_argument("--idle", type=float, default=60.0)
    parser.add_argument("--nice", type=int, default=_NICE)
    args = parser.parse_args(words)
    _give_way(args.nice)
    try:
        with JobStore(args.store) as store:
            worker = Worker(store, WorkerName.own(), idle_s=args.idle)
            threading.Thread(target=_hear, args=[worker], name="job-ear", daemon=True).start()
            worker.run()
    except MasqueradeError as error:
        print(f"masquerade: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def _hear(worker: Worker) -> None:
    """End with whoever started this process: the system closes the pipe, however they ended."""
    # Not sys.stdin: a thread that waits in it holds a lock that Python wants when it ends.
    with contextlib.suppress(OSError):
        while os.read(_STDIN, 1):
            pass
    worker.stop()


def _give_way(nice: int) -> None:
    process = psutil.Process()
    with contextlib.suppress(psutil.Error, OSError):
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else nice)


if __name__ == "__main__":
    sys.exit(main())
