"""Several outputs of one live stream, each behind a short queue and a thread of its own.

A sink that is slow loses frames for itself alone; one that fails ends, and the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MasqueradeError, OutputError
from masquerade.pipeline.channel import Channel, ChannelCancelled, WhenFull
from masquerade.pipeline.statistics import SinkState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame, FrameJob
    from masquerade.core.protocols import Sink

    _Item = tuple[Frame, NDArray[np.uint8]]

__all__ = ["Fanout"]

_WAITING = 4  # frames that a sink may be behind
_ABORTED_S = 1.0  # what an aborted sink is given to let go


class Fanout:
    """Hands every frame to every sink.

    Args:
        sinks: by the name that the user knows them by. They are committed at the end.
        on_last_lost: called, in a sink's thread, when the last sink has failed.
    """

    def __init__(
        self, sinks: Mapping[str, Sink], on_last_lost: Callable[[], None] = lambda: None
    ) -> None:
        self._outlets = [_Outlet(name, sink, self._lost) for name, sink in sinks.items()]
        self._on_last_lost = on_last_lost

    def start(self) -> None:
        """Start the threads."""
        for outlet in self._outlets:
            outlet.thread.start()

    def put(self, job: FrameJob) -> None:
        """Hand a finished frame to every sink that still lives; never waits."""
        item = replace(job.frame, pixels=job.output), job.frame.pixels
        for outlet in self._outlets:
            outlet.put(item)

    def flush(self) -> None:
        """Take back what no sink has begun to write."""
        for outlet in self._outlets:
            outlet.channel.clear()

    def finish(self, timeout_s: float) -> None:
        """Let every sink write what waits, commit it, and end the threads.

        A sink that hangs longer than ``timeout_s`` is aborted and its error says so.
        """
        for outlet in self._outlets:
            outlet.channel.close()
        end_s = time.monotonic() + timeout_s
        for outlet in self._outlets:
            outlet.end(max(0.0, end_s - time.monotonic()))

    def abort(self) -> None:
        """End sinks whose threads were never started."""
        for outlet in self._outlets:
            outlet.sink.abort()

    @property
    def error(self) -> BaseException | None:
        """Why the first of the failed sinks failed; None while all are well."""
        errors = (outlet.error for outlet in self._outlets)
        return next((error for error in errors if error is not None), None)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the sinks have to tell."""
        return tuple(text for o in self._outlets for text in getattr(o.sink, "notices", ()))

    def states(self) -> tuple[SinkState, ...]:
        """Every sink as it is now."""
        return tuple(outlet.state() for outlet in self._outlets)

    def _lost(self) -> None:
        if all(outlet.error is not None for outlet in self._outlets):
            self._on_last_lost()


class _Outlet:
    """One sink, its queue and its thread."""

    def __init__(self, name: str, sink: Sink, on_lost: Callable[[], None]) -> None:
        self.name, self.sink = name, sink
        self.channel: Channel[_Item] = Channel(_WAITING, WhenFull.NEWEST)
        self.error: BaseException | None = None
        self._frames = 0
        self._on_lost = on_lost
        beside: Any = getattr(sink, "write_beside", None)
        self._beside = beside if getattr(sink, "wants_original", False) else None
        self.thread = threading.Thread(
            target=self._run, name=f"masquerade-sink-{name}", daemon=True
        )

    def put(self, item: _Item) -> None:
        if self.error is None:
            self.channel.put(item)

    def end(self, timeout_s: float) -> None:
        if self.thread.ident is None:
            self.sink.abort()
            return
        self.thread.join(timeout_s)
        if self.thread.is_alive():
            self.error = self.error or OutputError(
                f"{self.name} did not take its last frames in time; it was broken off."
            )
            self.channel.cancel()
            self.sink.abort()
            self.thread.join(_ABORTED_S)

    def state(self) -> SinkState:
        return SinkState(
            self.name,
            self._frames,
            self.channel.statistics().dropped,
            status=getattr(self.sink, "status", ""),
            error=None if self.error is None else str(self.error),
        )

    def _run(self) -> None:
        try:
            for frame, original in self.channel:
                if self._beside is not None:
                    self._beside(frame, original)
                else:
                    self.sink.write(frame)
                self._frames += 1
                del frame, original
            self.sink.commit()
        except ChannelCancelled:
            pass
        except BaseException as error:  # noqa: BLE001 - one sink's end is not the stream's
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        known = error if isinstance(error, MasqueradeError) else _unexpected(self.name, error)
        self.error = self.error or known
        self.sink.abort()
        self.channel.clear()
        self._on_lost()


def _unexpected(name: str, error: BaseException) -> OutputError:
    failure = OutputError(
        f"{name} failed ({type(error).__name__}: {error}); please report this with the version "
        "that `masquerade --version` prints."
    )
    failure.__cause__ = error
    return failure
