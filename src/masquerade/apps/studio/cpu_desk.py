"""Where a client's request has work done that takes the processor for long: one piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.exceptions import HTTPException

from masquerade.core.lifetimes import Closing

__all__ = ["CpuDesk"]

_MOST_WAITING = 24

T = TypeVar("T")


class CpuDesk(Closing):
    """One thread, so that searching faces and previews take one core from live sessions, never all;
    and a queue with an end, so that a client who scrubs wildly is told so.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="studio-cpu")
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done when its turn has come; the event loop goes on meanwhile.

        Raises:
            HTTPException: too many are waiting (429).
        """
        if self._waiting >= _MOST_WAITING:
            raise HTTPException(
                429,
                "Too much is being worked out at once; ask again in a moment.",
                headers={"Retry-After": "1"},
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish the piece at hand and drop the others; may be called twice."""
        self._thread.shutdown(wait=True, cancel_futures=True)
