"""Runs a source through a line into a sink, with a thread for every section.

The caller's thread waits, reports progress and hears Ctrl-C. A source thread reads, one thread
per section works, a sink thread writes; bounded channels join them, so a slow section makes the
ones before it wait and nothing is lost or reordered. A permit travels with every frame from the
source to the sink: never more than ``frames_alive`` of them are in memory.

Whatever ends the run early (an error anywhere, Ctrl-C, an exception of the progress callback)
cancels every channel, joins every thread and aborts the sink before it is raised in the caller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import cv2

from masquerade.core.errors import CancelledError
from masquerade.core.frame import FrameJob
from masquerade.core.protocols import Sink, Source
from masquerade.pipeline.channel import Channel, ChannelCancelled
from masquerade.pipeline.line import Line, Section
from masquerade.pipeline.meter import Meter, Progress

__all__ = ["Scheduler"]

_CAPACITY = 2  # frames that wait between two sections: enough to even out their times
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
        run = _Run(source, line.sections, sink, meter, self.frames_alive, on_job)
        try:
            with _ONE_OPENCV_THREAD.held():
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
        self, run: _Run, meter: Meter, on_progress: Callable[[Progress], None] | None
    ) -> None:
        """Start the threads, report while they work, and leave only when all have ended."""
        seen = 0
        reported_s = float("-inf")
        try:
            run.start()
            while run.wait(seen):
                seen, now_s = meter.frames, self.clock()
                if on_progress and now_s - reported_s >= self.progress_every_s:
                    reported_s = now_s
                    on_progress(meter.progress())
        finally:
            run.stop()
        run.raise_error()
        if on_progress:
            on_progress(meter.progress())


class _Run:
    """The threads and channels of one run."""

    def __init__(
        self,
        source: Source,
        sections: tuple[Section, ...],
        sink: Sink,
        meter: Meter,
        frames_alive: int,
        on_job: Callable[[FrameJob], None] | None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._meter = meter
        self._on_job = on_job
        self._permits: Channel[None] = Channel(frames_alive)
        for _ in range(frames_alive):
            self._permits.put(None)
        self._channels: list[Channel[FrameJob]] = [
            Channel(_CAPACITY) for _ in range(len(sections) + 1)
        ]
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._working = len(sections) + 2
        self._threads = [
            self._thread("source", self._read),
            *(
                self._thread(section.name, self._work, section, index)
                for index, section in enumerate(sections)
            ),
            self._thread("sink", self._write),
        ]

    def start(self) -> None:
        """Start all threads, the source last: whoever hears of a frame has then started."""
        for thread in reversed(self._threads):
            thread.start()

    def wait(self, seen: int) -> bool:
        """Sleep until more than ``seen`` frames are done (True) or the threads have ended."""
        with self._changed:
            while self._working and self._meter.frames <= seen:
                self._changed.wait(_WAKE_S)
            return self._working > 0

    def stop(self) -> None:
        """Cancel what still runs and return when every thread has ended."""
        with self._changed:
            if self._working:
                self._cancel()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def raise_error(self) -> None:
        """Raise the first error that a thread met, if any."""
        if self._error is not None:
            raise self._error

    def _thread(self, name: str, target: Callable[..., None], *args: object) -> threading.Thread:
        # Daemon: a second Ctrl-C during the join must be able to end the process.
        return threading.Thread(
            target=self._guard, args=(target, *args), name=f"masquerade-{name}", daemon=True
        )

    def _guard(self, target: Callable[..., None], *args: object) -> None:
        """Run a thread's work; its error stops the others and waits for the caller."""
        error: BaseException | None = None
        try:
            target(*args)
        except ChannelCancelled:
            pass
        except BaseException as caught:  # noqa: BLE001 - carried to the caller's thread
            error = caught
        with self._changed:
            self._working -= 1
            if error is not None:
                self._error = self._error or error
                self._cancel()
            self._changed.notify_all()

    def _cancel(self) -> None:
        self._permits.cancel()
        for channel in self._channels:
            channel.cancel()

    def _read(self) -> None:
        frames = iter(self._source)
        while True:
            self._permits.get()
            self._meter.frame_entered()
            frame = next(frames, None)
            if frame is None:
                self._meter.frame_left()
                break
            self._channels[0].put(FrameJob(frame))
            del frame  # nobody holds a frame while waiting for the next one
        self._channels[0].close()

    def _work(self, section: Section, index: int) -> None:
        for job in self._channels[index]:
            section.advance(job)
            self._channels[index + 1].put(job)
            del job
        self._channels[index + 1].close()

    def _write(self) -> None:
        for job in self._channels[-1]:
            self._sink.write(replace(job.frame, pixels=job.output))
            if self._on_job is not None:
                self._on_job(job)
            self._meter.frame_finished(job.timings_ms)
            del job
            self._meter.frame_left()
            self._permits.put(None)
            with self._changed:
                self._changed.notify_all()


class _OneOpenCvThread:
    """OpenCV's own pool fights the threads of the line for the cores, so it rests meanwhile.

    The setting is the process's, so runs that overlap share it and the last one restores it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._before = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._holders == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    cv2.setNumThreads(self._before)


_ONE_OPENCV_THREAD = _OneOpenCvThread()
