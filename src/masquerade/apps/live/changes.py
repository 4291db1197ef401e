"""What has happened to a stream between two looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from masquerade.pipeline.statistics import LiveStatistics, SinkState

__all__ = ["events_between"]

Event = tuple[Literal["info", "warning", "error"], str, dict[str, Any]]


def events_between(before: LiveStatistics | None, now: LiveStatistics) -> Iterator[Event]:
    """Level, name and fields of each event; ``before`` is None at the first look.

    - ``first_frame``: a frame has left;
    - ``change``: the preset is another one, or the stream was paused or goes on;
    - ``turn``: the governor has turned a knob;
    - ``alarm_raised`` and ``alarm_cleared``;
    - ``source_lost`` and ``source_back``, ``sink_lost`` and ``sink_back``.
    """
    if now.frames and not (before and before.frames):
        yield "info", "first_frame", {"seconds": round(now.seconds, 3)}
    if before is not None:
        for name in ("preset", "paused"):
            if getattr(before, name) != getattr(now, name):
                yield "info", "change", {name: getattr(now, name)}
    yield from _turns({} if before is None else before.eased, now.eased)
    yield from _alarms(() if before is None else before.alarms, now.alarms)
    yield from _source("" if before is None else before.source, now.source)
    yield from _sinks(() if before is None else before.sinks, now.sinks)


def _turns(before: dict[str, int], now: dict[str, int]) -> Iterator[Event]:
    for name in dict.fromkeys([*before, *now]):
        was, level = before.get(name, 0), now.get(name, 0)
        if was != level:
            yield "info", "turn", {"knob": name, "from": was, "to": level}


def _alarms(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[Event]:
    for text in before:
        if text not in now:
            yield "info", "alarm_cleared", {"text": text}
    for text in now:
        if text not in before:
            yield "warning", "alarm_raised", {"text": text}


def _source(before: str, now: str) -> Iterator[Event]:
    if now and not before:
        yield "warning", "source_lost", {"status": now}
    elif before and not now:
        yield "info", "source_back", {}


def _sinks(before: tuple[SinkState, ...], now: tuple[SinkState, ...]) -> Iterator[Event]:
    known = {sink.name: sink for sink in before}
    for sink in now:
        was = known.get(sink.name)
        had_error = was is not None and was.error is not None
        waited = was is not None and bool(was.status)
        if sink.error is not None and not had_error:
            yield "error", "sink_lost", {"sink": sink.name, "error": sink.error}
        elif sink.error is None and sink.status and not waited:
            yield "warning", "sink_lost", {"sink": sink.name, "status": sink.status}
        elif sink.error is None and not sink.status and waited:
            yield "info", "sink_back", {"sink": sink.name}
