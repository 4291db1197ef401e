"""Encoders that would put themselves before all else on the machine go back into the line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["usual_priority"]

_THREADS = Path("/proc/self/task")


@contextmanager
def usual_priority() -> Iterator[None]:
    """Undo what encoders do to the scheduling of threads while they are opened inside the block.

    SVT-AV1 gives its threads, and with them whoever opens it, the policy SCHED_FIFO and priority 99
    where root runs it. Nothing else on the machine gets its turn while one of them works, and
    whatever is started later inherits it.
    """
    if sys.platform != "linux":
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _threads()
    try:
        yield
    finally:
        for thread in (_threads() - before) | {0}:
            # A thread may have ended by now; whoever may not go back never got ahead.
            with contextlib.suppress(OSError):
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, parameters)


def _threads() -> set[int]:
    """Those of this process, by the numbers that the system gives them."""
    with contextlib.suppress(OSError):
        return {int(thread.name) for thread in _THREADS.iterdir()}
    return set()
