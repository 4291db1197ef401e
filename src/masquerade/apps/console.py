"""What the command line shows: results, notes, progress, and the closing line of JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TextIO

from masquerade.core.shown_text import shown

if TYPE_CHECKING:
    from types import TracebackType

    from masquerade.pipeline.meter import Progress

__all__ = ["Console", "ProgressLine", "clock_time"]


class Console:
    """Where the words go.

    Results go to stdout; advice, progress and errors go to stderr. With ``json`` stdout holds one
    line alone, the JSON, and results are words on stderr.

    Args:
        json: close with one line of JSON.
        quiet: no advice and no progress.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self._json = json
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Print a result."""
        print(shown(text), file=sys.stderr if self._json else sys.stdout, flush=True)

    def note(self, text: str) -> None:
        """Print advice, unless quiet."""
        if not self._quiet:
            print(shown(text), file=sys.stderr, flush=True)

    def close(self, payload: Mapping[str, Any]) -> None:
        """Print the line of JSON, if it was asked for."""
        if self._json:
            print(_safe_json(payload), flush=True)

    def progress(self, name: str) -> ProgressLine:
        """A progress display for the work on ``name``; shows nothing when quiet."""
        return ProgressLine(name, None if self._quiet else sys.stderr)


class ProgressLine:
    """Shows progress: one line that is rewritten on a terminal, a line now and then elsewhere.

    Use it as a context, and call it with each :class:`Progress`.

    Args:
        name: what is worked on.
        stream: where to write; None writes nothing.
        clock: seconds, monotonic; a test gives its own.
    """

    def __init__(
        self, name: str, stream: TextIO | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = shown(name)
        self._stream = stream
        self._clock = clock
        self._rewrites = stream is not None and stream.isatty()
        speaks_unicode = "utf" in (getattr(stream, "encoding", None) or "").lower()
        self._full, self._empty = "█░" if speaks_unicode else "#-"
        self._interval_s = 0.1 if self._rewrites else 10.0
        self._shown_s = clock()
        self._dirty = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._dirty and self._stream:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def __call__(self, progress: Progress) -> None:
        """Show ``progress`` if the last time was long enough ago."""
        self.show(lambda: self._text(progress))

    def show(self, line: Callable[[], str]) -> None:
        """Show a line of text if the last time was long enough ago; else it is not even made."""
        now_s = self._clock()
        if self._stream is None or now_s - self._shown_s < self._interval_s:
            return
        self._shown_s = now_s
        text = line()
        self._stream.write(f"\r{text}\x1b[K" if self._rewrites else f"{text}\n")
        self._stream.flush()
        self._dirty = self._rewrites

    def bar(self, share: float) -> str:
        """A bar with a space behind it, on a terminal; nothing elsewhere. ``share`` is 0..1."""
        if not self._rewrites:
            return ""
        filled = round(20 * share)
        return f"{self._full * filled}{self._empty * (20 - filled)} "

    def _text(self, progress: Progress) -> str:
        parts = [f"{progress.done} frames", f"{progress.fps:.0f} fps"]
        if progress.total:
            share = min(1.0, progress.done / progress.total)
            parts[0] = f"{self.bar(share)}{share:4.0%}  {progress.done}/{progress.total} frames"
        if progress.eta_s is not None:
            parts.append(f"{clock_time(progress.eta_s)} left")
        return f"{self._name}  " + "  ".join(parts)


def _safe_json(payload: Mapping[str, Any]) -> str:
    """One line of JSON; what no terminal should get is escaped in JSON's own way."""
    text = json.dumps(payload, ensure_ascii=False)
    return "".join(
        sign if shown(sign) == sign else json.dumps(sign, ensure_ascii=True)[1:-1] for sign in text
    )


def clock_time(seconds: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``.

    >>> clock_time(75.2), clock_time(3600)
    ('1:15', '1:00:00')
    """
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
