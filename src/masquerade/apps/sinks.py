"""What the command line adds to sinks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.core.protocols import Sink

__all__ = ["closing_down"]


@contextmanager
def closing_down(sink: Sink) -> Iterator[None]:
    """Abort ``sink`` if the block ends early, however early: Ctrl-C may come before the engine
    has begun to look after it. Committing stays the engine's.
    """
    try:
        yield
    except BaseException:
        sink.abort()
        raise
