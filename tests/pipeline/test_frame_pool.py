"""Outputs' memory is used again, and never while somebody can still see it."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections import deque
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.frame_pool import FramePool
from masquerade.core.protocols import SourceInfo
from masquerade.pipeline.conceal import Concealment
from masquerade.pipeline.line import Line
from masquerade.pipeline.scheduler import Scheduler

SHAPE = (360, 640, 3)


def picture(value: int, shape=SHAPE) -> np.ndarray:
    return np.full(shape, value % 251, np.uint8)


def test_memory_comes_back_when_nobody_holds_the_copy_or_a_view_of_it():
    pool = FramePool()
    first = pool.copy(picture(1))
    view = first[10:20, ::2].T
    del first
    second = pool.copy(picture(2))
    assert pool.made == 2
    assert (view == 1).all()
    del view
    third = pool.copy(picture(3))
    assert pool.made == 2
    assert (second == 2).all()
    assert (third == 3).all()


def test_a_stream_of_another_size_gets_memory_of_its_own():
    pool = FramePool()
    pool.copy(picture(1))
    small = pool.copy(picture(2, (90, 160, 3)))
    assert small.shape == (90, 160, 3)
    assert pool.made == 2


@given(st.lists(st.integers(0, 5), max_size=60))
def test_what_is_held_never_changes(steps):
    pool, held = FramePool(), deque()
    for value, step in enumerate(steps):
        held.append((value, pool.copy(picture(value, (4, 5, 3)))[1:]))
        for _ in range(min(step, len(held))):
            held.popleft()
        for expected, pixels in held:
            assert (pixels == expected % 251).all()


def test_threads_never_get_the_same_memory():
    pool, wrong = FramePool(), []

    def work(value: int) -> None:
        for _ in range(300):
            copied = pool.copy(picture(value, (8, 8, 3)))
            if not (copied == value).all():
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Draws:
    """A stage that draws on every frame."""

    name = "draws"

    def process(self, job: FrameJob) -> FrameJob:
        job.writable_output()[:8] = job.frame.seq % 251
        return job

    def reset(self) -> None: ...


class Source:
    """One picture, again and again."""

    def __init__(self, count: int, after: int, begin) -> None:
        self._count, self._after, self._begin = count, after, begin
        self.info = SourceInfo((SHAPE[1], SHAPE[0]), count, Fraction(25), None)
        self._pixels = picture(7)

    def __iter__(self):
        for seq in range(self._count):
            if seq == self._after:
                self._begin()
            yield Frame(self._pixels, seq, seq)


class Sink:
    def __init__(self) -> None:
        self.rows: list[int] = []

    def write(self, frame: Frame) -> None:
        self.rows.append(int(frame.pixels[0, 0, 0]))

    def commit(self) -> None: ...

    def abort(self) -> None: ...


@pytest.mark.alone  # beside other programs more frames come to be under way late
def test_a_steady_run_makes_no_new_memory_of_a_frames_size():
    largest: list[int] = []

    def begin() -> None:
        gc.collect()
        tracemalloc.start()

    sink = Sink()
    line = Line([[Draws()]], concealment=Concealment("hold", 0.3))

    def look(job: FrameJob) -> None:
        if tracemalloc.is_tracing():
            sizes = [trace.size for trace in tracemalloc.take_snapshot().traces]
            largest.append(max(sizes, default=0))

    try:
        Scheduler(frames_alive=3).run(Source(60, 30, begin), line, sink, on_job=look)
    finally:
        tracemalloc.stop()
    assert sink.rows == list(range(60))
    assert len(largest) >= 25
    assert max(largest) < np.prod(SHAPE) / 4
