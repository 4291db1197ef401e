"""Several outputs of one live stream, each behind a short queue and a thread of its own.

A sink that is slow loses frames for itself alone; one that fails ends, and the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import MasqueradeError, OutputError, SettingsError
from masquerade.pipeline.channel import Channel, ChannelCancelled, WhenFull
from masquerade.pipeline.statistics import SinkState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.face_fact import FaceFact
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
        self._on_last_lost = on_last_lost
        self._outlets = tuple(_Outlet(name, sink, self._lost) for name, sink in sinks.items())
        self._changing = threading.Lock()
        self._running = False
        self._newest = -1

    def start(self) -> None:
        """Start the threads."""
        with self._changing:
            self._running = True
            for outlet in self._outlets:
                outlet.thread.start()

    def add(self, name: str, sink: Sink) -> None:
        """Hand frames to one more sink from the next one on.

        Raises:
            SettingsError: there is a sink of that name. The new one was aborted.
            OutputError: the stream has ended. The new one was aborted.
        """
        outlet = _Outlet(name, sink, self._lost)
        with self._changing:
            problem = self._refusal(name)
            if problem is None:
                outlet.thread.start()
                self._outlets = (*self._outlets, outlet)
        if problem is not None:
            sink.abort()
            raise problem

    def _refusal(self, name: str) -> MasqueradeError | None:
        if not self._running:
            return OutputError("The stream does not run; start it before its outputs.")
        if any(outlet.name == name for outlet in self._outlets):
            return SettingsError(f"There is an output {name} already; switch that one off first.")
        return None

    def remove(self, name: str, timeout_s: float) -> None:
        """Let one sink write what waits, commit it, and forget it.

        Args:
            name: as it was given.
            timeout_s: how long that may take; a sink that hangs longer is aborted.

        Raises:
            SettingsError: there is no such sink.
            OutputError: the sink had failed before, or failed now.
        """
        with self._changing:
            found = next((outlet for outlet in self._outlets if outlet.name == name), None)
            if found is None:
                raise SettingsError(f"There is no output {name}; see which ones are on.")
            self._outlets = tuple(outlet for outlet in self._outlets if outlet is not found)
        found.channel.close()
        found.end(timeout_s)
        if found.error is not None:
            raise found.error

    def put(self, job: FrameJob, faces: tuple[FaceFact, ...] = ()) -> None:
        """Hand a finished frame to every sink that still lives; never waits.

        Args:
            job: the frame; its output is not changed any more.
            faces: what became of its faces.
        """
        frame = replace(job.frame, pixels=job.output, faces=faces)
        self._newest = frame.seq
        for outlet in self._outlets:
            outlet.put((frame, job.frame.pixels))

    def flush(self) -> None:
        """Take back what no sink has begun to write, and what sinks keep."""
        newest = self._newest
        for outlet in self._outlets:
            outlet.channel.clear()
            outlet.take_back(newest)

    def finish(self, timeout_s: float) -> None:
        """Let every sink write what waits, commit it, and end the threads.

        A sink that hangs longer than ``timeout_s`` is aborted and its error says so.
        """
        with self._changing:
            self._running = False
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

    def take_back(self, seq: int) -> None:
        hook = getattr(self.sink, "take_back", None)
        if hook is not None:
            hook(seq)

    def end(self, timeout_s: float) -> None:
        if self.thread.ident is None:
            self.sink.abort()
            return
        self.thread.join(timeout_s + float(getattr(self.sink, "finishing_s", 0.0)))
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
