"""The threads of one run: a source's, one for each section, and the exit's, joined by channels.

Files and live streams flow through the same threads; :class:`Flow` says how. With files every
channel waits, so a slow section makes the ones before it wait and nothing is lost. A live source
cannot wait: its newest frame stands at the entrance, a frame is let in when there is room for it,
and what is displaced at the entrance is all that is ever dropped. In both a permit travels with
every frame, so that never more than a set number is under way, and frames leave in order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from masquerade.core.errors import MasqueradeError
from masquerade.core.frame import Change, FrameJob
from masquerade.core.frame_pool import FramePool
from masquerade.pipeline.channel import Channel, ChannelCancelled, EndOfChannel, WhenFull
from masquerade.pipeline.permits import Permits

if TYPE_CHECKING:
    from masquerade.core.protocols import Source
    from masquerade.pipeline.flow import Flow
    from masquerade.pipeline.line import Section
    from masquerade.pipeline.meter import Meter
    from masquerade.pipeline.pacer import Pacer

__all__ = ["Run"]


class Run:
    """One source on its way through the sections.

    Args:
        source: iterated in its own thread; the caller opens and closes it.
        sections: each is run by a thread of its own.
        emit: takes each finished job, in order, in the exit's thread.
        meter: counts.
        flow: see :class:`Flow`.
        pacer: says when a live frame leaves; None lets it leave at once.
        clock: seconds, monotonic; that of ``Frame.captured_s``.
    """

    def __init__(
        self,
        source: Source,
        sections: Sequence[Section],
        emit: Callable[[FrameJob], None],
        meter: Meter,
        flow: Flow,
        *,
        pacer: Pacer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._meter, self._flow, self._pacer, self._clock = meter, flow, pacer, clock
        self._names = [section.name for section in sections]
        self.permits = Permits(flow.frames_alive)
        self._pool = FramePool()
        entrance: Channel[FrameJob] = (
            Channel(1, WhenFull.NEWEST) if flow.live else Channel(flow.capacity)
        )
        self._channels = [entrance, *(Channel[FrameJob](flow.capacity) for _ in sections)]
        self._busy_s = [0.0] * len(sections)
        self._changes: list[Change] = []
        self._version = self._oldest_shown = 0
        self._changing = threading.Lock()
        self._emitting = threading.Lock()
        self._going = threading.Event()
        self._going.set()
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._working = len(sections) + 2
        self._threads = [
            self._thread("source", self._read, source),
            *(
                self._thread(section.name, self._work, section, index)
                for index, section in enumerate(sections)
            ),
            self._thread("exit", self._leave, emit),
        ]

    # What the caller does

    def start(self) -> None:
        """Start all threads, the source last: whoever hears of a frame has then started."""
        for thread in reversed(self._threads):
            thread.start()

    def wait(self, seen: int, timeout_s: float) -> bool:
        """Sleep until more than ``seen`` frames are done, the threads have ended, or the time is
        over; returns whether the threads still work.
        """
        with self._changed:
            if self._working and self._meter.frames <= seen:
                self._changed.wait(timeout_s)
            return self._working > 0

    def wait_for_end(self, timeout_s: float) -> bool:
        """Sleep until all threads have ended or the time is over; returns whether they ended."""
        with self._changed:
            return self._changed.wait_for(lambda: self._working == 0, timeout_s)

    def stop(self, timeout_s: float | None = None) -> list[str]:
        """Cancel what still runs and wait for the threads.

        Returns:
            Names of the threads that did not end within ``timeout_s``; None waits for all.
        """
        self._stopping.set()
        self._going.set()
        with self._changed:
            if self._working:
                self._cancel()
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(None if end_s is None else max(0.0, end_s - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    @property
    def error(self) -> BaseException | None:
        """The first error that a thread met, if any."""
        return self._error

    def pause(self) -> None:
        """Emit nothing until :meth:`resume`; a live source's frames are let go of meanwhile."""
        with self._emitting:
            self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    @property
    def paused(self) -> bool:
        """Whether the run stands still."""
        return not self._going.is_set()

    def change(self, *changes: Change, hide_older: bool = False) -> None:
        """Have the stages changed before the next frame that is let in.

        Args:
            changes: what becomes of which stage, in this order.
            hide_older: emit none of the frames any more that are under way now. When this
                returns, no frame from before the change will be emitted.
        """
        with self._changing:
            self._changes += changes
            self._version += 1
            version = self._version
        if hide_older:
            with self._emitting:
                self._oldest_shown = max(self._oldest_shown, version)

    def busy_s(self) -> dict[str, float]:
        """Seconds for which each section has been at work so far."""
        return dict(zip(self._names, self._busy_s, strict=True))

    def queue_age_s(self) -> float:
        """Seconds since the capture of the oldest live frame that waits between two sections."""
        waiting = [channel.peek() for channel in self._channels]
        captured_s = [job.frame.captured_s for job in waiting if job is not None]
        return max((self._clock() - at for at in captured_s if at is not None), default=0.0)

    # Threads

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
                self._stopping.set()
                self._cancel()
            self._changed.notify_all()

    def _cancel(self) -> None:
        self.permits.cancel()
        for channel in self._channels:
            channel.cancel()

    def _read(self, source: Source) -> None:
        try:
            self._read_all(source)
        except MasqueradeError as error:
            if not self._flow.live:
                raise
            self._error = error  # what is under way already is still shown
        self._channels[0].close()

    def _read_all(self, source: Source) -> None:
        frames = iter(source)
        live = self._flow.live
        while True:
            if not live:
                self.permits.acquire()
                self._going.wait()
            self._meter.frame_entered()
            frame = next(frames, None)
            if frame is None:
                self._meter.frame_left()
                break
            self._meter.frame_captured()
            if self._channels[0].put(FrameJob(frame, pool=self._pool)) is not None:
                self._meter.lost(dropped=1)
                self._meter.frame_left()
            del frame  # nobody holds a frame while waiting for the next one

    def _work(self, section: Section, index: int) -> None:
        jobs = self._admitted() if index == 0 else iter(self._channels[index])
        finishes = index == len(self._names) - 1  # whatever has come so far is worth finishing
        for job in jobs:
            started_s = self._clock()
            job.late = job.late or (not finishes and self._is_late(job, started_s))
            section.advance(job)
            job.finished_s = self._clock()
            self._busy_s[index] += job.finished_s - started_s
            self._channels[index + 1].put(job)
            del job
        self._channels[index + 1].close()

    def _admitted(self) -> Iterator[FrameJob]:
        """Jobs at the entrance, each with the changes that begin with it."""
        while True:
            if self._flow.live:
                self.permits.acquire()  # before the frame is chosen, so that it is the newest
            try:
                job = self._channels[0].get()
            except EndOfChannel:
                return
            if self._flow.live and not self._going.is_set():
                self._meter.frame_left()
                self.permits.release()
                continue
            with self._changing:
                job.changes, self._changes = tuple(self._changes), []
                job.version = self._version
            yield job
            del job

    def _is_late(self, job: FrameJob, now_s: float) -> bool:
        deadline_s, captured_s = self._flow.deadline_s, job.frame.captured_s
        if deadline_s is None or captured_s is None:
            return False
        return now_s - captured_s > deadline_s

    def _leave(self, emit: Callable[[FrameJob], None]) -> None:
        for job in self._channels[-1]:
            if self._flow.live:
                self.permits.release()  # while it waits for its time, the next one is worked on
            lagged = self._pace(job)
            with self._emitting:
                shown = job.version >= self._oldest_shown and not (self._flow.live and self.paused)
                if shown:
                    emit(job)
            if shown:
                self._count(job, lagged)
            else:
                self._meter.lost(skipped=1)
            del job
            self._meter.frame_left()
            if not self._flow.live:
                self.permits.release()
            with self._changed:
                self._changed.notify_all()

    def _pace(self, job: FrameJob) -> bool:
        """Wait until the job is due; returns whether it came too late."""
        captured_s = job.frame.captured_s
        if self._pacer is None or captured_s is None:
            return False
        due_s = self._pacer.due_s(job.frame.seq, captured_s, job.finished_s)
        wait_s = due_s - self._clock()
        if wait_s > 0:
            self._stopping.wait(wait_s)
        return -wait_s > self._pacer.period_s / 2

    def _count(self, job: FrameJob, lagged: bool) -> None:
        captured_s = job.frame.captured_s
        latency_s = None if captured_s is None else self._clock() - captured_s
        self._meter.frame_finished(job.timings_ms, latency_s)
        if lagged or job.late:
            self._meter.lost(lagged=int(lagged), skipped=int(job.late))
