"""The state of a session, as its client is told twice a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from masquerade.apps.studio.live.notices import Notice

if TYPE_CHECKING:
    from masquerade.apps.studio.live.room import Room

__all__ = ["state_of"]

_TAKEN_OVER = (
    "fps", "source_fps", "dropped", "lagged", "skipped", "stages_ms", "rss_bytes",
    "cpu", "gpu", "busiest", "eased", "faces", "paused", "models", "source",
)  # fmt: skip


def state_of(room: Room) -> dict[str, Any]:
    """Plain values, ready for JSON. Takes about a millisecond, so not in the loop's thread."""
    now = room.session.statistics().as_dict()
    state = {name: now[name] for name in _TAKEN_OVER}
    p50, p95 = room.sink.latency_ms()
    return {
        **state,
        "alarms": [
            {"code": code, "text": text}
            for code, text in zip(now["alarm_codes"], now["alarms"], strict=True)
        ],
        "notices": [Notice.of(text).as_dict() for text in now["notices"]],
        "latency_ms": {"p50": p50, "p95": p95},
        "sinks": room.sinks(),
        "networks": now["networks"] or None,
        "page_dropped": room.sink.dropped,
    }
