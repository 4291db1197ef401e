"""A worker whose networks do what a test says, and requests for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from carried_faces import finish, view

from masquerade.stages.carry.look import Look
from masquerade.stages.carry.request import Outcome, Request
from masquerade.stages.carry.worker import KeyFrameWorker

SHOWN = view()
FINISHED = finish(SHOWN.pixels, SHOWN.landmarks)


def wanted(seq: int = 0, track_id: int = 0) -> Request:
    look = Look.of(SHOWN.pixels, SHOWN.landmarks)
    kps = np.zeros((5, 2), np.float32)
    return Request(
        SHOWN.pixels,
        SHOWN.landmarks,
        kps,
        track_id,
        "a",
        None,
        look,
        seq,
        seq / 25,  # type: ignore[arg-type]
    )


class Bench:
    """A worker whose networks stand still until they are let go on."""

    def __init__(self, threads: int = 1) -> None:
        self.begun: list[int] = []
        self.jobs: list[list[int]] = []
        self.go = threading.Semaphore(0)
        self.error: Exception | None = None
        self.threads: set[str] = set()
        self.worker = KeyFrameWorker(self._make, threads=threads)

    def _make(self, requests):
        self.threads.add(threading.current_thread().name)
        self.jobs.append([request.seq for request in requests])
        self.begun += [request.seq for request in requests]
        assert self.go.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        return [FINISHED] * len(requests)

    def collect(self, count: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        until(lambda: len(outcomes) >= count or bool(outcomes.extend(self.worker.collect())))
        return outcomes


def until(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.001)
