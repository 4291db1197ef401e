"""A live stream: source, stages and sinks side by side until somebody stops it."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from masquerade.core.errors import MasqueradeError
from masquerade.core.frame import Change
from masquerade.engine.live_options import LiveOptions
from masquerade.engine.oversight import Oversight
from masquerade.engine.record import noting_refusals, record_change, record_live
from masquerade.engine.stream_end import StreamEnd
from masquerade.pipeline.fanout import Fanout
from masquerade.pipeline.flow import Flow
from masquerade.pipeline.meter import Meter
from masquerade.pipeline.opencv_threads import ONE_OPENCV_THREAD
from masquerade.pipeline.pacer import Pacer
from masquerade.pipeline.run import Run
from masquerade.pipeline.statistics import LiveStatistics
from masquerade.runtime.memory import return_freed_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from masquerade.core.frame import FrameJob
    from masquerade.core.protocols import Sink, Source, Stage
    from masquerade.engine.donors import Donor
    from masquerade.engine.engine import Engine

__all__ = ["LiveOptions", "LiveSession"]

_WATCH_S = 0.5
_STOP_S = 3.0


class LiveSession:
    """One stream from its start to its end. Use it as a context: leaving it ends the stream.

    Args:
        engine: swaps; it is the session's alone meanwhile.
        source: a live source, opened by the caller; closed when the session ends.
        sinks: by the name that the user knows them by; committed when the session ends.
        options: see :class:`LiveOptions`.

    Attributes:
        started: whether its threads were ever started: only then there are statistics.

    Raises (when leaving the block):
        InputError: the source is gone for good.
        OutputError: a sink failed; the others were finished all the same.
        MasqueradeError: a stage failed for good.
    """

    def __init__(
        self,
        engine: Engine,
        source: Source,
        sinks: Mapping[str, Sink],
        options: LiveOptions | None = None,
    ) -> None:
        self.options = options or LiveOptions()
        self._engine, self._source = engine, source
        self.started = False
        self._end = StreamEnd()
        self._fanout = Fanout(sinks, on_last_lost=self._end.ask)
        self._resources = ExitStack()

    # The stream's life

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._fanout.abort()
            self._source.close()
            self._resources.close()
            raise
        return self

    def _start(self) -> None:
        engine, options = self._engine, self.options
        record_live(engine, "live-began")
        self._resources.enter_context(ONE_OPENCV_THREAD.held())
        line = self._line = engine.live_line(self._source.info.size_wh, warm_up=options.warm_up)
        return_freed_memory()
        rate = self._source.info.rate
        self._meter, self._tally = Meter(), engine.new_tally()
        self._faces = 0
        self._run = Run(
            self._source,
            line.sections,
            self._emit,
            self._meter,
            Flow(frames_alive=2, capacity=1, live=True, deadline_s=options.deadline_s),
            pacer=Pacer(None if rate is None else float(1 / rate)) if options.paced else None,
        )
        self._oversight = self._resources.enter_context(
            Oversight(self._run, self._meter, line, rate, options, engine.settings)
        )
        self._watcher = threading.Thread(target=self._watch, name="masquerade-watch", daemon=True)
        self._oversight.set_out()
        self._fanout.start()
        self._run.start()
        self._watcher.start()
        self.started = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        with self._resources:
            stuck = self._finish()
        counts = self._tally.counts()
        record_live(self._engine, "live-ended", figures=counts, content=self._engine.content)
        if kind is not None:
            return
        with noting_refusals():
            self._raise_failures(stuck)

    def _raise_failures(self, stuck: list[str]) -> None:
        for failure in (self._run.error, self._fanout.error):
            if failure is not None:
                raise failure
        if stuck:
            raise MasqueradeError(
                f"{', '.join(stuck)} did not stop in time; please report what was running."
            )

    def _finish(self) -> list[str]:
        """Stop reading, let what is under way come out, commit the sinks; what hangs is named."""
        self.stop()
        self._run.resume()
        self._source.close()
        self._run.wait_for_end(self.options.drain_s)
        stuck = self._run.stop(_STOP_S)
        self._fanout.finish(self.options.drain_s)
        self._watcher.join(_STOP_S)
        return stuck

    def wait(self, timeout_s: float) -> bool:
        """Sleep until the stream has ended by itself, or was asked to, or the time is over.

        Returns:
            Whether it has ended.
        """
        return self._end.wait(timeout_s)

    def stop(self) -> None:
        """Ask for the end; returns at once. May be called from a signal's handler."""
        self._end.ask()

    # While it runs

    def pause(self) -> None:
        """Stand still: nothing is emitted, the sinks keep showing what they have."""
        self._run.pause()

    def resume(self) -> None:
        """Go on."""
        self._run.resume()

    @property
    def paused(self) -> bool:
        """Whether the stream stands still."""
        return self._run.paused

    def change_donor(
        self,
        donor: Donor | Mapping[str, Donor],
        by_hand: Mapping[int, str | None] | None = None,
    ) -> None:
        """Draw another face from now on: when this returns, no frame of the old one follows.

        Args:
            donor: as for :class:`Engine`; the face is enrolled before the stream is touched.
            by_hand: as for :meth:`Engine.change_donors`: faces that were given a donor of their
                own, by track number.

        Raises:
            NoFaceInDonorError: the photo shows no face; the stream goes on as it was.
            InputError: the file is missing, damaged or no picture.
        """
        changes = self._engine.change_donors(donor, by_hand=by_hand)
        record_live(self._engine, "live-changed")
        self._run.change(*changes, *self._oversight.knobs(), hide_older=True)
        self._fanout.flush()

    def change_settings(self, **changes: Any) -> None:
        """Swap otherwise from the next frame on; what the governor has eased stays so.

        Args:
            changes: fields of :class:`Settings`. Other networks (``model``, ``enhancer``,
                ``detector``) are loaded before the stream is touched.

        Raises:
            SettingsError: a value is wrong; nothing is changed.
            RuntimeSetupError: a network is missing, broken, or does not fit; nothing is changed.
        """
        before = self._engine.settings
        change = self._engine.change_settings(**changes)
        record_change(self._engine, before)
        self._oversight.adapt(self._engine.settings)
        self._run.change(change, *self._oversight.knobs())

    def change_preset(self, name: str) -> None:
        """Let the governor work by another preset; it begins with the best that one allows.

        Raises:
            SettingsError: there is none of that name.
        """
        self._oversight.work_by(name)
        self.options = replace(self.options, preset=name)
        self._run.change(*self._oversight.knobs())

    def add_sink(self, name: str, sink: Sink) -> None:
        """Put the stream out once more, from the next frame on.

        Args:
            name: as the user knows it.
            sink: committed when it is removed, or when the session ends.

        Raises:
            SettingsError: there is a sink of that name already; the new one was aborted.
            OutputError: the stream has ended; the new one was aborted.
        """
        self._fanout.add(name, sink)

    def remove_sink(self, name: str) -> None:
        """Finish one sink and forget it; the stream goes on.

        Raises:
            SettingsError: there is no such sink.
            OutputError: it failed, now or before.
        """
        self._fanout.remove(name, self.options.drain_s)

    @property
    def notices(self) -> tuple[str, ...]:
        """What had to be given up for memory, and what the sinks have to tell."""
        return (*self._engine.notices, *self._fanout.notices)

    def change_stage(self, name: str, turn: Callable[[Stage], Stage]) -> None:
        """Have another stage do a stage's work from now on: another swapper, another detector.

        When this returns, no frame follows that the old one has worked on.

        Args:
            name: of the stage, and of the one that takes its place.
            turn: called in the stage's thread with the old one, between two frames; returns the
                new one, which was loaded before.
        """
        self._run.change(Change({name: turn}), hide_older=True)
        self._fanout.flush()

    def statistics(self) -> LiveStatistics:
        """The stream as it is now."""
        source_fps, fps = self._meter.recent_fps()
        losses = self._meter.losses
        report = self._tally.report(self._meter)
        oversight = self._oversight
        return LiveStatistics(
            seconds=self._meter.seconds,
            frames=self._meter.frames,
            fps=fps,
            source_fps=source_fps,
            latency_ms=self._meter.latency_ms,
            lagged=losses["lagged"],
            skipped=losses["skipped"],
            dropped=losses["dropped"],
            faces=self._faces,
            faces_swapped=report.faces_swapped,
            faces_concealed=report.faces_concealed,
            faces_passed=report.faces_passed,
            stages_ms=report.timings_ms,
            busiest=oversight.busiest,
            busy=oversight.busy,
            rss_bytes=oversight.gauge.rss_bytes,
            peak_rss_bytes=oversight.gauge.peak_rss_bytes,
            cpu=oversight.gauge.cpu,
            gpu=oversight.gpu,
            paused=self.paused,
            preset=self.options.preset,
            eased=oversight.eased,
            alarms=tuple(alarm.text for alarm in oversight.alarms),
            alarm_codes=tuple(alarm.code for alarm in oversight.alarms),
            source=getattr(self._source, "status", ""),
            sinks=self._fanout.states(),
            models=self._engine.models,
            networks=self._line.gauges(),
            notices=self._engine.notices,
        )

    # Threads

    def _emit(self, job: FrameJob) -> None:
        self._fanout.put(job, job.face_facts(passes=self._engine.settings.on_lost == "pass"))
        self._tally.add(job)
        self._faces = len(job.faces)

    def _watch(self) -> None:
        while not self._run.wait_for_end(_WATCH_S):
            if self._end.asked:
                break
            self._oversight.look(self.statistics())
        self._end.come()
