"""The stream in one line of the terminal."""

from __future__ import annotations

import re
import shutil
import textwrap
import threading
import time
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TextIO

from masquerade.apps.live.status_parts import sink_title, status_parts
from masquerade.core.addresses import without_secrets

if TYPE_CHECKING:
    from types import TracebackType

    from masquerade.apps.live.status_parts import Part
    from masquerade.pipeline.statistics import LiveStatistics

__all__ = ["StatusLine", "fit_line"]

_REWRITTEN_S = 0.25
_PLAIN_S = 10.0
_FORGOTTEN_S = 60.0  # an alarm that was away for so long is said again
_STEADY_S = 10.0  # by then everything is loaded, and memory should stay
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")


class StatusLine:
    """Shows the stream: one line that is rewritten on a terminal, a line now and then elsewhere.

    Use it as a context, and call it with the stream's numbers as often as you like. Alarms and
    errors of outputs are printed once each, on lines of their own. May be used by any thread.

    Args:
        stream: where to write, stderr as a rule; None writes nothing.
        clock: seconds, monotonic; a test gives its own.
        width: columns of the terminal.
    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        width: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._stream, self._clock, self._width = stream, clock, width
        self._rewrites = stream is not None and stream.isatty()
        self._lock = threading.Lock()
        self._shown_s = float("-inf") if self._rewrites else clock()
        self._line = ""
        self._said_s: dict[str, float] = {}
        self._steady_bytes: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        with self._lock:
            if self._line:
                self._write("\r\x1b[K")
            self._line = ""

    def __call__(self, statistics: LiveStatistics) -> None:
        """Show ``statistics`` if the last time was long enough ago, and what is new in any case."""
        if self._steady_bytes is None and statistics.seconds >= _STEADY_S:
            self._steady_bytes = statistics.rss_bytes
        grown = statistics.rss_bytes - (self._steady_bytes or statistics.rss_bytes)
        with self._lock:
            for text in _news(statistics):
                self._say_once(text)
            now_s = self._clock()
            if now_s - self._shown_s < (_REWRITTEN_S if self._rewrites else _PLAIN_S):
                return
            self._shown_s = now_s
            parts = status_parts(statistics, grown)
            if self._rewrites:
                self._line = fit_line(parts, self._width() - 1)  # a full line would wrap
                self._write(f"\r{self._line}\x1b[K")
            else:
                self._write(fit_line(parts, None) + "\n")

    def say(self, text: str) -> None:
        """Print lines above the status line; nothing if ``text`` is empty."""
        if text:
            with self._lock:
                self._say(text)

    def _say_once(self, text: str) -> None:
        """Print ``text`` unless it was there lately, be it with other numbers."""
        key, now_s = _NUMBERS.sub("#", text), self._clock()
        if now_s - self._said_s.get(key, float("-inf")) > _FORGOTTEN_S:
            self._say(text)
        self._said_s[key] = now_s

    def _say(self, text: str) -> None:
        if self._rewrites:
            lines = [line for given in text.splitlines() for line in self._wrapped(given)]
            text = "\r\x1b[K" + "\n".join(lines) + f"\n{self._line}"
            self._write(text)
        else:
            self._write(f"{text}\n")

    def _wrapped(self, text: str) -> list[str]:
        """The line, broken between words where it is longer than the terminal is wide."""
        columns = max(20, self._width())
        if _columns(text) <= columns:
            return [text]
        return textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            encoding = getattr(self._stream, "encoding", None) or "utf-8"
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()


def fit_line(parts: list[Part], columns: int | None) -> str:
    """The parts that fit, in their order: the least important are left out first.

    Args:
        parts: at least one.
        columns: room; None for any length. A single part that is too long is cut.
    """
    kept = list(parts)
    line = _joined(kept)
    while columns is not None and len(kept) > 1 and _columns(line) > columns:
        least = max(part.rank for part in kept)
        last = max(place for place, part in enumerate(kept) if part.rank == least)
        del kept[last]
        line = _joined(kept)
    if columns is None or _columns(line) <= columns:
        return line
    while line and _columns(line) > columns - 1:
        line = line[:-1]
    return line + "…" if columns > 0 else ""


def _joined(parts: list[Part]) -> str:
    return "  ".join(part.text for part in parts)


def _columns(text: str) -> int:
    """Columns that a terminal takes for ``text``: two for wide letters, none for accents."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def _news(statistics: LiveStatistics) -> list[str]:
    failed = [
        f"{sink_title(sink.name)} ended: {without_secrets(sink.error)}"
        for sink in statistics.sinks
        if sink.error
    ]
    return [*statistics.alarms, *failed]
