"""Sources, stages and sinks that do exactly what a test needs, and nothing with faces."""

from __future__ import annotations

import queue
import threading
import time
import weakref
from fractions import Fraction

import numpy as np

from masquerade.core.face import Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.protocols import SourceInfo

SIZE_WH = (16, 12)


def picture(value: int) -> np.ndarray:
    return np.full((SIZE_WH[1], SIZE_WH[0], 3), value % 251, np.uint8)


class Census:
    """Counts the frames whose pixels are still referenced by anybody."""

    def __init__(self) -> None:
        self.peak = 0
        self._alive = weakref.WeakSet()
        self._lock = threading.Lock()

    def admit(self, pixels: np.ndarray) -> np.ndarray:
        tracked = pixels.view(_Tracked)
        with self._lock:
            self._alive.add(tracked)
            self.peak = max(self.peak, len(self._alive))
        return tracked

    def count(self) -> int:
        return len(self._alive)


class _Tracked(np.ndarray):
    """An array that a weak set can hold (by identity)."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


class CountingSource:
    """``count`` frames (None: endless); frame n is a plain picture of value n."""

    def __init__(self, count=None, *, fail_at=None, error=None, census=None):
        self._count, self._fail_at, self._error = count, fail_at, error
        self._census = census
        self.read = 0

    @property
    def info(self) -> SourceInfo:
        return SourceInfo(SIZE_WH, self._count, Fraction(25), None)

    def __iter__(self):
        while self._count is None or self.read < self._count:
            if self.read == self._fail_at:
                raise self._error
            pixels = picture(self.read)
            if self._census is not None:
                pixels = self._census.admit(pixels)
            self.read += 1
            yield Frame(pixels, seq=self.read - 1, pts=40 * (self.read - 1))
            del pixels

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ListSink:
    """Keeps what is written; can fail like a full disk."""

    def __init__(self, *, fail_at=None, error=None, keep=True):
        self.seqs, self.pictures = [], []
        self.state = "open"
        self._fail_at, self._error, self._keep = fail_at, error, keep

    def write(self, frame: Frame) -> None:
        assert self.state == "open"
        if frame.seq == self._fail_at:
            raise self._error
        self.seqs.append(frame.seq)
        if self._keep:
            self.pictures.append(frame.pixels)

    def commit(self) -> None:
        assert self.state == "open"
        self.state = "committed"

    def abort(self) -> None:
        if self.state == "open":
            self.state = "aborted"


class Step:
    """A stage that runs a function on each job."""

    def __init__(self, name, action=lambda job: None):
        self.name = name
        self._action = action
        self.seen, self.resets, self.threads = [], 0, set()

    def process(self, job: FrameJob) -> FrameJob:
        self.seen.append(job.frame.seq)
        self.threads.add(threading.current_thread().name)
        self._action(job)
        return job

    def reset(self) -> None:
        self.resets += 1


def selected_face(track_id: int) -> Face:
    box = np.array([2, 2, 9, 9], np.float32)
    return Face(bbox=box, score=0.9, track_id=track_id, selected=True, donor="donor")


def draw(value: int):
    """An action that paints the whole output with one value."""

    def action(job: FrameJob) -> None:
        job.writable_output()[:] = value

    return action


def failing(error, *seqs):
    """An action that raises on the frames given, on all of them without any."""

    def action(job: FrameJob) -> None:
        if not seqs or job.frame.seq in seqs:
            raise error

    return action


def our_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("masquerade-")]


class Tap:
    """A live source that gives what the test pours in; ``None`` ends it."""

    def __init__(self):
        self._frames = queue.SimpleQueue()
        self.info = SourceInfo(SIZE_WH, None, Fraction(25), None, live=True)
        self.closed = False
        self.poured = self.given = 0

    def pour(self, count=1, captured_s=0.0):
        for _ in range(count):
            self._frames.put(
                Frame(picture(self.poured), self.poured, self.poured, captured_s=captured_s)
            )
            self.poured += 1

    def __iter__(self):
        while (frame := self._frames.get()) is not None:
            yield frame
            self.given += 1  # counted when the next one is asked for: it is out of our hands

    def close(self):
        if not self.closed:
            self.closed = True
            self._frames.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Gate:
    """An action that waits on chosen frames until the test lets it go on."""

    def __init__(self, *seqs):
        self._seqs = seqs
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, job):
        if job.frame.seq in self._seqs:
            self.reached.set()
            assert self.opened.wait(20)


def eventually(condition, seconds=20.0):
    """Wait for what other threads are about to do; fails when it does not come."""
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "it did not happen"
        threading.Event().wait(0.002)
