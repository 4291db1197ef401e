"""All live sessions of a studio: how many there may be, and the end of them all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from masquerade.apps.studio.live.files import LiveFiles
from masquerade.core.lifetimes import Closing

if TYPE_CHECKING:
    from pathlib import Path

    from masquerade.apps.studio.config import Limits
    from masquerade.apps.studio.live.room import Room

__all__ = ["Rooms"]


class Rooms(Closing):
    """The sessions that run. Their engines share the loaded networks. Safe between threads.

    Args:
        limits: how many sessions there may be, and how long files are kept.
        folder: where recordings and snapshots are kept.

    Attributes:
        files: recordings and snapshots.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, limits: Limits, folder: Path) -> None:
        self.limit = limits.sessions
        self.files = LiveFiles(folder, limits.upload_age_s)
        self._lock = threading.Lock()
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._rooms)

    def admit(self, room: Room) -> bool:
        """Whether there is a place for one more session; it is taken."""
        with self._lock:
            if len(self._rooms) >= self.limit:
                return False
            self._rooms[room.id] = room
            return True

    def leave(self, room: Room) -> None:
        """Give the place back; may be called twice."""
        with self._lock:
            self._rooms.pop(room.id, None)

    def summaries(self) -> list[dict[str, Any]]:
        """A few figures of each session that runs, for whoever watches the machine."""
        with self._lock:
            rooms = list(self._rooms.values())
        found = []
        for room in rooms:
            session = getattr(room, "session", None)
            if session is not None and session.started:
                now = session.statistics()
                latency = {"p50": round(now.latency_ms.p50, 1), "p95": round(now.latency_ms.p95, 1)}
                found.append({"id": room.id, "fps": round(now.fps, 1), "latency_ms": latency})
        return found

    def sweep(self) -> int:
        """Delete recordings and snapshots that nobody fetched in time; returns how many."""
        return self.files.sweep()

    def close(self) -> None:
        """End all sessions and delete their files; may be called twice."""
        with self._lock:
            rooms = list(self._rooms.values())
            self._rooms.clear()
        for room in rooms:
            room.close()
        self.files.close()
