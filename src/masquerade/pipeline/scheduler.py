"""Runs a source through a line into a sink to its end: how files are swapped.

The caller's thread waits, reports progress and hears Ctrl-C; the threads of :class:`Run` work.

Whatever ends the run early (an error anywhere, Ctrl-C, an exception of the progress callback)
cancels every channel, joins every thread and aborts the sink before it is raised in the caller.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from masquerade.core.errors import CancelledError
from masquerade.core.frame import FrameJob
from masquerade.core.protocols import Sink, Source
from masquerade.pipeline.flow import Flow
from masquerade.pipeline.line import Line
from masquerade.pipeline.meter import Meter, Progress
from masquerade.pipeline.opencv_threads import ONE_OPENCV_THREAD
from masquerade.pipeline.run import Run

__all__ = ["Scheduler"]

_WAKE_S = 0.5  # Windows delivers Ctrl-C only between two waits, so the caller's wait is cut


@dataclass(frozen=True, slots=True)
class Scheduler:
    """How a line is run over files.

    Attributes:
        frames_alive: most frames between the source and the sink's end, at least 1.
        progress_every_s: least time between two calls of the progress callback.
        clock: seconds, monotonic.
    """

    frames_alive: int = 8
    progress_every_s: float = 0.1
    clock: Callable[[], float] = time.perf_counter

    def run(
        self,
        source: Source,
        line: Line,
        sink: Sink,
        *,
        on_job: Callable[[FrameJob], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        accept: Callable[[], None] | None = None,
    ) -> Meter:
        """Take every frame of the source to the sink and commit the sink.

        Args:
            source: iterated in its own thread; the caller opens and closes it.
            line: the stages; reset it before a new stream.
            sink: written in its own thread; committed or aborted before this returns or raises.
            on_job: sees every finished job, in order, in the sink's thread.
            on_progress: called in the caller's thread, now and then and at the end.
            accept: called after the last frame; raises to have the sink aborted instead.

        Returns:
            The counts and times of the run.

        Raises:
            CancelledError: Ctrl-C was pressed.
            MasqueradeError: the source, a stage or the sink failed for good.
        """
        meter = Meter(source.info.frame_count, clock=self.clock)

        def emit(job: FrameJob) -> None:
            sink.write(replace(job.frame, pixels=job.output))
            if on_job is not None:
                on_job(job)

        run = Run(source, line.sections, emit, meter, Flow(self.frames_alive))
        try:
            with ONE_OPENCV_THREAD.held():
                self._watch(run, meter, on_progress)
            if accept is not None:
                accept()
            sink.commit()
        except KeyboardInterrupt:
            sink.abort()
            raise CancelledError("Stopped; nothing was written.") from None
        except BaseException:
            sink.abort()
            raise
        return meter

    def _watch(
        self, run: Run, meter: Meter, on_progress: Callable[[Progress], None] | None
    ) -> None:
        """Start the threads, report while they work, and leave only when all have ended."""
        seen = 0
        reported_s = float("-inf")
        try:
            run.start()
            while run.wait(seen, _WAKE_S):
                seen, now_s = meter.frames, self.clock()
                if on_progress and now_s - reported_s >= self.progress_every_s:
                    reported_s = now_s
                    on_progress(meter.progress())
        finally:
            run.stop()
        if run.error is not None:
            raise run.error
        if on_progress:
            on_progress(meter.progress())
