"""What a source, a stage and a sink are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from masquerade.core.frame import Frame, FrameJob

__all__ = ["Sink", "Source", "SourceInfo", "Stage"]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its first frame.

    Attributes:
        size_wh: width and height of the frames in pixels, after rotation.
        frame_count: number of frames, None where it cannot be known.
        rate: average frames per second, None for stills.
        duration_s: seconds, None for stills and endless streams.
        live: True where frames that come too late are worth nothing.
    """

    size_wh: tuple[int, int]
    frame_count: int | None
    rate: Fraction | None
    duration_s: float | None
    live: bool = False


@runtime_checkable
class Source(Protocol):
    """Frames in order. Iterate once; closing it stops the iteration.

    A live source (``info.live``) blocks until the next picture is there, stamps every frame with
    ``captured_s``, and counts ``pts`` in microseconds from its first frame on by the same clock.
    It survives what passes (a stall, a broken connection, an unplugged camera) by itself and
    raises only what cannot be mended. All frames have the announced size. ``close`` may be called
    from another thread and ends the iteration within a second.

    A source may also have ``notices`` (a tuple of sentences for the user), ``status`` (a few words
    on what it is waiting for, empty while frames come), and ``sound`` (None, or the sound that
    was recorded with the pictures).
    """

    @property
    def info(self) -> SourceInfo:
        """Size, rate and length."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...
    def close(self) -> None:
        """Release files and threads; may be called twice."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class Stage(Protocol):
    """One step. Called from one thread, in frame order; knows nothing of its neighbours."""

    name: str

    def process(self, job: FrameJob) -> FrameJob:
        """Advance the job and return it (the same object)."""
        ...

    def reset(self) -> None:
        """Forget everything of the stream (a new file, a seek), keep what is of the identity."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Takes finished jobs in order. The output appears whole at ``commit`` or not at all.

    A live sink (a stream, a recording, a window) is called from one thread of its own. It may block
    for a while: frames that come meanwhile are dropped for it alone. What it has shown or sent
    cannot be taken back, so ``abort`` just ends it. It may also have ``notices`` and ``status`` as
    a source has, and ``wants_original = True``: then ``write_beside(frame, original)`` is called
    instead of ``write``, with the picture before the swap, uint8 (H, W, 3) BGR, for the eyes of
    whoever runs the program. ``finishing_s`` are seconds that ``commit`` may take beyond what
    others are given, such as to sign a long recording. A sink that keeps finished frames for a
    while has ``take_back(seq)``: another donor is drawn from now on, so nothing of the frames up to
    number ``seq`` may be shown any more. It is called from another thread and must not wait.
    """

    def write(self, frame: Frame) -> None:
        """Take one finished frame (label drawn). Raises OutputError."""
        ...

    def commit(self) -> None:
        """Finish the file and put it in its place."""
        ...

    def abort(self) -> None:
        """Remove whatever was begun; may be called after commit, then does nothing."""
        ...
