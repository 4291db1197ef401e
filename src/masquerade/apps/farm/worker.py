"""A process that does tasks of the farm on this machine, one after the other.

It is started as ``python -m masquerade.apps.farm.worker``, is given one task a line on standard
input, and answers on standard output, one JSON object a line. It ends at once when its input ends,
which is when its driver is no more: what it was writing has no name yet, and is swept later.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

import psutil

from masquerade.apps.farm.task import Task
from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import MasqueradeError

if TYPE_CHECKING:
    from masquerade.pipeline.meter import Progress

__all__ = ["main"]

_TELL_S = 0.5
_NICE = 10
"""Live sessions and whoever sits at the machine come first."""


class _Voice:
    """Writes what the driver reads; lines of several threads do not mix."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._turn = threading.Lock()
        self._told_s = float("-inf")

    def write(self, **words: Any) -> None:
        with self._turn:
            self._stream.write(json.dumps(words) + "\n")
            self._stream.flush()

    def show(self, task: Task, progress: Progress) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= _TELL_S:
            self._told_s = now_s
            self.write(kind="told", task=task.id, done=progress.done, total=progress.total)


def main(words: list[str] | None = None) -> int:
    """Do tasks until standard input ends; returns the exit code."""
    parser = argparse.ArgumentParser(prog="masquerade.apps.farm.worker")
    parser.add_argument("--device", type=int)
    parser.add_argument("--memory", type=int)
    args = parser.parse_args(words)
    voice = _Voice(_own_stdout())
    with contextlib.suppress(psutil.Error, OSError):
        lower = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICE
        psutil.Process().nice(lower)
    tasks: queue.Queue[Task] = queue.Queue()
    threading.Thread(target=_hear, args=[tasks], name="farm-ear", daemon=True).start()

    from masquerade.apps.farm.steps import Steps  # takes a second: the ear is open before

    steps = Steps(device=args.device, memory_bytes=args.memory)
    while True:
        _do(steps, tasks.get(), voice)


def _do(steps: Any, task: Task, voice: _Voice) -> None:
    try:
        result = steps.do(task, lambda progress: voice.show(task, progress))
    except MasqueradeError as error:
        failure = Failure.of(error, task.spec)
        voice.write(kind="failed", task=task.id, error=failure.kind, message=failure.message)
    else:
        voice.write(kind="done", task=task.id, result=result)


def _hear(tasks: queue.Queue[Task]) -> None:
    """Take tasks in, and end with the driver, in the middle of whatever is being done."""
    # Not sys.stdin: a thread that waits in it holds a lock that Python wants when it ends.
    with contextlib.suppress(OSError, ValueError), os.fdopen(os.dup(0), "rb") as stream:
        for line in stream:
            tasks.put(Task.from_json(line.decode()))
    os._exit(0)


def _own_stdout() -> TextIO:
    """Standard output for the answers alone; what libraries print goes to standard error."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


if __name__ == "__main__":
    sys.exit(main())
