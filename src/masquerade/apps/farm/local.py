"""Worker processes of this machine."""

from __future__ import annotations

import contextlib
import platform
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from masquerade.apps.farm.answers import worker_event
from masquerade.apps.farm.executor import Done, Event, Failed, Lost, Said, Told
from masquerade.apps.farm.share import Share
from masquerade.apps.farm.task import Task
from masquerade.core.errors import RuntimeSetupError
from masquerade.core.lifetimes import Closing

__all__ = ["LocalExecutor"]

_END_S = 5.0
_BARREN = 3
"""Workers that end before they have done anything, in a row, after which no more are started."""


@dataclass(slots=True, eq=False)
class _Worker:
    """A process and what it is doing."""

    process: subprocess.Popen[bytes]
    place: int
    task: Task | None = None
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=8))


class LocalExecutor(Closing):
    """An :class:`~masquerade.apps.farm.executor.Executor` of processes on this machine.

    A process is started when there is something for it to do, and again after it was killed.

    Args:
        share: how many, and what each may take.

    Attributes:
        signs: its workers are of the user who signs.
    """

    signs = True

    def __init__(self, share: Share) -> None:
        self._share = share
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._heard: queue.Queue[tuple[_Worker, Told | Done | Failed | None]] = queue.Queue()
        self._node = platform.node()
        self._barren = 0

    @property
    def slots(self) -> int:
        """How many processes there are at the most."""
        return self._share.workers

    @property
    def processes(self) -> tuple[int, ...]:
        """Numbers of the processes that are there."""
        return tuple(worker.process.pid for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Have a task done as soon as a process is free."""
        self._waiting.append(task)
        self._hand_out()

    def results(self, timeout_s: float) -> Sequence[Event]:
        """See the protocol.

        Raises:
            RuntimeSetupError: workers end as soon as they are started.
        """
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            self._take(*self._heard.get(timeout=timeout_s), events)
            while True:
                self._take(*self._heard.get_nowait(), events)
        self._hand_out()
        return events

    def cancel(self, job_id: str) -> None:
        """Kill the processes that work on a job, and forget those tasks of it that wait."""
        self._waiting = deque(task for task in self._waiting if task.job_id != job_id)
        for worker in list(self._workers):
            if worker.task is not None and worker.task.job_id == job_id:
                worker.task = None
                worker.process.kill()

    def close(self) -> None:
        """Stop the processes; may be called twice."""
        self._waiting.clear()
        for worker in self._workers:
            assert worker.process.stdin is not None
            with contextlib.suppress(OSError):
                worker.process.stdin.close()
        until = time.monotonic() + _END_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._workers.clear()

    def _hand_out(self) -> None:
        while self._waiting:
            worker = next((item for item in self._workers if item.task is None), None)
            if worker is None:
                if len(self._workers) == self._share.workers:
                    return
                worker = self._start()
            worker.task = self._waiting.popleft()
            assert worker.process.stdin is not None
            # A pipe that is broken is heard of by its other end.
            with contextlib.suppress(OSError):
                worker.process.stdin.write(worker.task.to_json().encode() + b"\n")
                worker.process.stdin.flush()

    def _start(self) -> _Worker:
        taken = {worker.place for worker in self._workers}
        place = next(number for number in range(self._share.workers) if number not in taken)
        command = [sys.executable, "-m", "masquerade.apps.farm.worker", *self._share.words(place)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the driver
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        worker = _Worker(process, place)
        for name, target in (("ear", self._listen), ("log", self._overhear)):
            threading.Thread(
                target=target, args=[worker], name=f"farm-{name}-{process.pid}", daemon=True
            ).start()
        self._workers.append(worker)
        return worker

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        with contextlib.suppress(ValueError), worker.process.stdout as stream:
            for line in stream:
                try:
                    self._heard.put((worker, worker_event(line, self._node)))
                except ValueError as error:
                    worker.last_words.append(f"its answer makes no sense ({error})")
                    worker.process.kill()
                    break
        self._heard.put((worker, None))

    def _overhear(self, worker: _Worker) -> None:
        assert worker.process.stderr is not None
        with worker.process.stderr as stream:
            for line in stream:
                worker.last_words.append(line.decode(errors="replace").rstrip())

    def _take(
        self, worker: _Worker, words: Told | Done | Failed | None, events: list[Event]
    ) -> None:
        if words is None:
            self._bury(worker, events)
        elif worker.task is not None and words.task_id == worker.task.id:
            events.append(words)
            if not isinstance(words, Told):
                worker.task, self._barren = None, 0

    def _bury(self, worker: _Worker, events: list[Event]) -> None:
        if worker not in self._workers:  # closed meanwhile
            return
        self._workers.remove(worker)
        code = worker.process.wait()
        assert worker.process.stdin is not None
        with contextlib.suppress(OSError):
            worker.process.stdin.close()
        if worker.task is None:
            return
        events += [Said(worker.task.id, self._node, line) for line in worker.last_words]
        events.append(Lost(worker.task.id, self._node, _how(code)))
        self._barren = self._barren + 1 if code > 0 else 0
        if self._barren >= _BARREN:
            last = worker.last_words[-1] if worker.last_words else f"exit code {code}"
            raise RuntimeSetupError(
                f"Workers end as soon as they are started ({last}); run `masquerade doctor`."
            )


def _how(code: int) -> str:
    return f"the process was killed (signal {-code})" if code < 0 else f"it ended with code {code}"
