"""Finds threads that outlive what started them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_leaked_threads"]


@contextmanager
def no_leaked_threads(join_s: float = 2.0) -> Iterator[None]:
    """Fail if a thread started inside the block still runs after it.

    Args:
        join_s: how long a thread that is just ending is waited for.

    Raises:
        AssertionError: names the threads that are left.
    """
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(join_s)
    names = sorted(thread.name for thread in left if thread.is_alive())
    assert not names, f"threads still running: {', '.join(names)}"
