"""What every Source, Sink and Stage must keep, as assertions that any implementation can call."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.frame import Frame, FrameJob
from masquerade.core.protocols import Sink, Source, Stage
from masquerade.testing.threads import no_leaked_threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["assert_sink_contract", "assert_source_contract", "assert_stage_contract"]


def assert_source_contract(make: Callable[[], Source]) -> None:
    """Check a Source.

    Frames are uint8 (H, W, 3) of the announced size, numbered without gaps, in rising time, and
    stay as they are while later ones are read; two sources over the same input agree; closing is
    idempotent, ends the iteration and leaves no thread.

    Args:
        make: opens the same finite input anew at each call; at least two frames.

    Raises:
        AssertionError: what is broken.
    """
    with no_leaked_threads(), make() as source:
        assert isinstance(source, Source), f"{type(source).__name__} is no Source"
        info = source.info
        assert min(info.size_wh) > 0, f"the size is {info.size_wh}"
        assert info.rate is None or info.rate > 0, f"the rate is {info.rate}"
        frames = list(source)
        assert len(frames) >= 2, "the contract needs an input of two frames or more"
        if info.frame_count is not None:
            told = f"{info.frame_count} frames are announced, {len(frames)} came"
            assert len(frames) == info.frame_count, told
        _check_frames(frames, info.size_wh)
        source.close()
        source.close()
    with make() as again:
        digests = [_digest(frame.pixels) for frame in again]
    assert digests == [_digest(frame.pixels) for frame in frames], "frames changed or differ"
    with no_leaked_threads():
        _check_early_close(make())


def assert_sink_contract(
    make: Callable[[], Sink], frames: Sequence[Frame], exists: Callable[[], bool]
) -> None:
    """Check a Sink: the output appears whole at ``commit`` or not at all.

    Args:
        make: opens a sink for an output that does not exist yet; called once per case, after the
            output of the case before was aborted. The last case leaves a committed output.
        frames: what is written, at least two.
        exists: whether the output (or a part of it, under any name) is there.

    Raises:
        AssertionError: what is broken.
    """
    before = [_digest(frame.pixels) for frame in frames]
    with no_leaked_threads():
        untouched = make()
        assert isinstance(untouched, Sink), f"{type(untouched).__name__} is no Sink"
        untouched.abort()
        assert not exists(), "an aborted sink left something"
        broken_off = make()
        broken_off.write(frames[0])
        broken_off.abort()
        broken_off.abort()
        assert not exists(), "an aborted sink left something"
        whole = make()
        for frame in frames:
            whole.write(frame)
        whole.commit()
        assert exists(), "a committed sink wrote nothing"
        whole.abort()
        assert exists(), "abort after commit removed the output"
    assert before == [_digest(frame.pixels) for frame in frames], "the sink changed pixels"


def assert_stage_contract(stage: Stage, make_jobs: Callable[[], Sequence[FrameJob]]) -> None:
    """Check a Stage.

    It returns the job it was given, never writes into the frame, keeps the output's shape, passes
    a frame without faces, leaves no thread, and after ``reset`` does the same things again.

    Args:
        stage: ready for a new stream.
        make_jobs: the same jobs anew at each call, in frame order, as the stage before leaves
            them.

    Raises:
        AssertionError: what is broken.
    """
    assert isinstance(stage, Stage), f"{type(stage).__name__} is no Stage"
    assert stage.name.isidentifier(), f"{stage.name!r} is no name for a stage"
    with no_leaked_threads():
        first = [_run(stage, job) for job in make_jobs()]
        stage.reset()
        second = [_run(stage, job) for job in make_jobs()]
        stage.reset()
        empty = make_jobs()[0]
        empty.faces = []
        _run(stage, empty)
        stage.reset()
    assert first == second, f"{stage.name} behaves otherwise after reset"


def _check_frames(frames: list[Frame], size_wh: tuple[int, int]) -> None:
    assert [frame.seq for frame in frames] == list(range(len(frames))), "seq has gaps"
    for frame in frames:
        told = f"frame {frame.seq} is {frame.pixels.dtype} {frame.pixels.shape}"
        assert frame.pixels.dtype == np.uint8, told
        assert frame.pixels.shape == (size_wh[1], size_wh[0], 3), told
        assert frame.pixels.flags.c_contiguous, f"frame {frame.seq} is not contiguous"
        assert frame.time_base > 0, f"frame {frame.seq} has time base {frame.time_base}"
    times = [frame.pts * frame.time_base for frame in frames if frame.pts is not None]
    assert len(times) in (0, len(frames)), "some frames have a time and some have none"
    assert all(a < b for a, b in itertools.pairwise(times)), "time does not rise"


def _check_early_close(source: Source) -> None:
    """A source closed in the middle gives nothing more."""
    frames = iter(source)
    next(frames)
    source.close()
    assert next(frames, None) is None, "a closed source goes on"


def _run(stage: Stage, job: FrameJob) -> object:
    """Process one job with its frame locked; what came of it, comparable."""
    pixels = job.frame.pixels
    before = _digest(pixels)
    pixels.flags.writeable = False
    assert stage.process(job) is job, f"{stage.name} returned another job"
    assert job.frame.pixels is pixels, f"{stage.name} replaced the frame"
    assert _digest(pixels) == before, f"{stage.name} wrote into the frame"
    assert job.output.shape == pixels.shape, f"{stage.name} changed the size"
    assert job.output.dtype == np.uint8, f"{stage.name} changed the type"
    for patch in job.patches:
        x0, y0, x1, y1 = patch.box
        told = f"{stage.name} made a patch with box {patch.box}"
        assert 0 <= x0 <= x1 <= pixels.shape[1], told
        assert 0 <= y0 <= y1 <= pixels.shape[0], told
        assert patch.pixels.shape == (y1 - y0, x1 - x0, 3), told
        assert patch.mask.shape == (y1 - y0, x1 - x0), told
    faces = [(f.track_id, f.state, f.selected, f.donor, _digest(f.bbox)) for f in job.faces]
    patches = [(p.track_id, p.box, _digest(p.pixels), _digest(p.mask)) for p in job.patches]
    return faces, patches, _digest(job.output)


def _digest(array: NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
