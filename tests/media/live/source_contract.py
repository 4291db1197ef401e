"""What every live source must keep."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from masquerade.core.protocols import Source
from masquerade.testing import no_leaked_threads


def take(source: Source, count: int, seconds: float = 20.0) -> list:
    """The next frames; the source is closed where they take too long."""
    watch = threading.Timer(seconds, source.close)
    watch.start()
    try:
        frames = list(itertools.islice(source, count))
    finally:
        watch.cancel()
        watch.join()
    assert len(frames) == count, f"{len(frames)} of {count} frames came"
    return frames


def assert_live_source_contract(make: Callable[[], Source], count: int = 12) -> None:
    """Check a live source that gives at least ``count`` frames."""
    with no_leaked_threads(), make() as source:
        assert isinstance(source, Source)
        info = source.info
        assert info.live
        assert info.frame_count is None
        assert info.rate is not None
        assert info.rate > 0
        frames = take(source, count)
        _check_frames(frames, info.size_wh)
        assert isinstance(source.status, str)
        assert isinstance(source.notices, tuple)
        assert source.sound is None or source.sound.SAMPLE_RATE == 48_000
        source.close()
        source.close()
        assert list(source) == [], "frames came after close"
    with no_leaked_threads():
        _check_close_of_a_waiting_reader(make())


def _check_frames(frames, size_wh) -> None:
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert frames[0].pts == 0
    for frame in frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.shape == (size_wh[1], size_wh[0], 3)
        assert frame.pixels.flags.c_contiguous
        assert frame.time_base == Fraction(1, 1_000_000)
        assert frame.captured_s is not None
    for before, after in itertools.pairwise(frames):
        assert after.pts > before.pts
        clock_s = after.captured_s - before.captured_s
        assert abs((after.seconds - before.seconds) - clock_s) < 1e-4
    assert frames[-1].captured_s <= time.perf_counter() + 0.001


def _check_close_of_a_waiting_reader(source: Source) -> None:
    """Closing from another thread ends the iteration within a second."""
    begun, ended = threading.Event(), threading.Event()

    def read() -> None:
        for _ in source:
            begun.set()
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(10)
    before_s = time.monotonic()
    source.close()
    assert ended.wait(2), "the iteration went on"
    took_s = time.monotonic() - before_s
    reader.join()
    assert took_s < 1.0, f"closing took {took_s:.2f} s"
