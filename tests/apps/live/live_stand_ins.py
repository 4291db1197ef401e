"""A session without a stream, for what is seen and pressed."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from masquerade.core.settings import Settings
from masquerade.pipeline.statistics import LatencyMs, LiveStatistics

STATISTICS = LiveStatistics(
    seconds=3.0,
    frames=90,
    fps=29.9,
    source_fps=30.0,
    latency_ms=LatencyMs(41.2, 55.4, 70.0),
    lagged=3,
    skipped=1,
    dropped=12,
    faces=1,
    faces_swapped=80,
    faces_concealed=2,
    stages_ms={"detect": 2.0, "swap": 14.2, "composite": 3.1},
    busiest="swap",
    busy=0.62,
    rss_bytes=420 * 2**20,
    peak_rss_bytes=430 * 2**20,
)


class StandInEngine:
    def __init__(self) -> None:
        self.settings = Settings()


class StandInSession:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.engine = StandInEngine()
        self.ended = threading.Event()
        self.told = threading.Condition()
        self.calls: list[Any] = []
        self.paused = False
        self.numbers = STATISTICS
        self.donor_error: Exception | None = None

    def wait(self, timeout_s: float) -> bool:
        return self.ended.wait(timeout_s)

    def stop(self) -> None:
        self._note("stop")
        self.ended.set()

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def change_donor(self, donor: object) -> None:
        if self.donor_error is not None:
            raise self.donor_error
        self._note(donor)

    def change_settings(self, **changes: Any) -> None:
        self.engine.settings = self.engine.settings.replace(**changes)
        self._note(changes)

    def statistics(self) -> LiveStatistics:
        return replace(self.numbers, paused=self.paused)

    def _note(self, call: Any) -> None:
        with self.told:
            self.calls.append(call)
            self.told.notify_all()


class Ear:
    """Hears what controls say, and waits for it."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = threading.Condition()

    def __call__(self, text: str) -> None:
        with self._news:
            self.heard.append(text)
            self._news.notify_all()

    def wait_for(self, count: int, timeout_s: float = 5.0) -> list[str]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= count, timeout_s), self.heard
            return list(self.heard)
