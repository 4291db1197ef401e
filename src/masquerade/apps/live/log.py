"""A log of a live stream: one JSON object a line, for machines that watch machines."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from masquerade.apps.live.changes import events_between
from masquerade.core.addresses import without_secrets
from masquerade.core.errors import OutputError
from masquerade.core.lifetimes import Closing
from masquerade.pipeline.statistics import LiveStatistics

__all__ = ["Level", "Lines", "LiveLog", "open_log"]

Level = Literal["info", "warning", "error"]


class Lines(Protocol):
    """Where lines go: a text stream."""

    def write(self, text: str, /) -> object:
        """Take a line, with its end."""
        ...

    def flush(self) -> None:
        """Let it go."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class LiveLog(Closing):
    """Writes what happens to a stream, as told by its statistics.

    Each line has ``time`` (ISO 8601, UTC), ``level``, ``event`` and the event's own fields;
    addresses are written without their secrets. A log that can no longer be written (disk full,
    reader gone) falls silent and never disturbs the stream; see ``broken``.

    Args:
        stream: where lines go.
        every_s: time between two ``statistics`` lines; 0 writes none.
        owned: whether ``close`` closes the stream.
        clock: seconds since 1970.

    Attributes:
        broken: why the log fell silent; None while it is written.
    """

    def __init__(
        self,
        stream: Lines,
        *,
        every_s: float = 10.0,
        owned: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.broken: str | None = None
        self._stream = stream
        self._every_s = every_s
        self._owned = owned
        self._clock = clock
        self._lock = threading.Lock()
        self._last: LiveStatistics | None = None
        self._told_s = 0.0

    def tick(self, now: LiveStatistics) -> None:
        """Write what has changed since the last call, and the statistics when it is time."""
        if self._last is None:
            self._told_s = self._clock()
            self.event("started", preset=now.preset, sinks=[sink.name for sink in now.sinks])
        for level, event, fields in events_between(self._last, now):
            self.event(event, level=level, **fields)
        self._last = now
        wall_s = self._clock()
        # The wall clock may be set back; then the interval begins anew.
        if self._every_s and not 0 <= wall_s - self._told_s < self._every_s:
            self._told_s = wall_s
            self.event("statistics", **now.as_dict())

    def event(self, event: str, /, *, level: Level = "info", **fields: Any) -> None:
        """Write one line; may be called from any thread.

        Args:
            event: what happened, one word.
            level: info, warning or error.
            fields: plain values, or what ``str`` makes words of; ``time`` and ``event`` are taken.
        """
        moment = datetime.fromtimestamp(self._clock(), UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "event": event,
        }
        for name, value in fields.items():
            line.setdefault(name, _writable(value))
        text = json.dumps(line, allow_nan=False) + "\n"
        with self._lock:
            if self.broken is None:
                self._write(text)

    def stopped(self, now: LiveStatistics, error: BaseException | None = None) -> None:
        """Write the last changes and the final statistics, and why the stream ended if it failed.

        Args:
            now: the stream at its end.
            error: what ended it before its time.
        """
        for level, event, fields in events_between(self._last, now):
            self.event(event, level=level, **fields)
        self._last = now
        reason = {} if error is None else {"error": str(error), "kind": type(error).__name__}
        self.event("stopped", level="error" if reason else "info", **reason, **now.as_dict())

    def close(self) -> None:
        """Close the file, if this log opened it; may be called twice."""
        with self._lock:
            if self._owned:
                with contextlib.suppress(OSError, ValueError):
                    self._stream.close()
                self.broken = self.broken or "the log is closed"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            self.broken = str(error)


def open_log(path: str, *, every_s: float = 10.0) -> LiveLog:
    """A log that is added to the end of a file; ``-`` is stderr.

    Raises:
        OutputError: the file cannot be opened.
    """
    if path == "-":
        return LiveLog(sys.stderr, every_s=every_s)
    try:
        return LiveLog(_LogFile(Path(path)), every_s=every_s, owned=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise OutputError(
            f"The log {path} cannot be opened ({why}); choose another place with --log FILE."
        ) from error


class _LogFile:
    """A file that holds whole lines only, also when the disk is full amid one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as begun:
                begun.seek(-1, os.SEEK_END)
                if begun.read() != b"\n":
                    self._file.write(b"\n")  # a program before this one was cut off

    def write(self, text: str) -> None:
        data = text.encode()
        written = self._file.write(data)
        if written != len(data):
            self._file.truncate(self._file.tell() - (written or 0))
            raise OSError("the disk is full")

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self._file.close()


def _writable(value: Any) -> Any:
    """``value`` as JSON can hold it: no secrets, no numbers that are none, nothing unknown."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, dict):
        return {without_secrets(str(name)): _writable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    return without_secrets(str(value))
