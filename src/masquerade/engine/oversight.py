"""Looks at a running stream twice a second, and eases it where it cannot keep up."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from masquerade.core.lifetimes import Closing
from masquerade.core.settings import Settings
from masquerade.engine.changes import knob_change, steady_change
from masquerade.pipeline.governor import Governor
from masquerade.pipeline.knobs import Knob
from masquerade.pipeline.load import Load
from masquerade.pipeline.presets import find_preset
from masquerade.pipeline.watch import Alarm, Watch
from masquerade.runtime.gauges import ProcessGauge

if TYPE_CHECKING:
    from fractions import Fraction

    from masquerade.core.frame import Change
    from masquerade.engine.live_options import LiveOptions
    from masquerade.pipeline.line import Line
    from masquerade.pipeline.meter import Meter
    from masquerade.pipeline.run import Run
    from masquerade.pipeline.statistics import LiveStatistics

__all__ = ["Oversight", "knobs_of"]

_KNOBS = (
    Knob("search", (10, 20, 40)),
    Knob("looks", (1, 2)),
    Knob("resolution", (1.0, 0.75, 0.5)),
)
_REFRESHES, _ENHANCER = Knob("refreshes", (1.0, 0.5, 0.25)), Knob("enhancer", (1, 0))
_LEAST_ALIVE, _MOST_ALIVE = 2, 8


class Oversight(Closing):
    """Measures a run, turns the governor's knobs and raises alarms. Called from one thread.

    Args:
        run: what is measured and turned.
        meter: its counts.
        line: what the run leads through.
        rate: frames a second that the source has announced; None if it has not.
        options: of the stream.
        settings: of the swap.

    Attributes:
        busiest: name of the section that is at work for the largest share of the time.
        busy: that share in the last moments, 0 to 1.
        gauge: the process and its machine, at the last look.
        alarms: what is wrong, the oldest first.
    """

    def __init__(
        self,
        run: Run,
        meter: Meter,
        line: Line,
        rate: Fraction | None,
        options: LiveOptions,
        settings: Settings,
    ) -> None:
        self._run, self._meter, self._options = run, meter, options
        self._line = line
        self._watch = Watch(alarm_fps=options.alarm_fps, rate=None if rate is None else float(rate))
        self._gauges = ProcessGauge()
        self.gauge = self._gauges.read()
        self.alarms: tuple[Alarm, ...] = ()
        self._free = knobs_of(settings)
        self._governor = Governor(self._free, find_preset(options.preset))
        self._rate = rate
        self._busy_s = run.busy_s()
        self._seen_s = time.perf_counter()
        self._frames = self._dropped = 0
        self.busiest, self.busy = "", 0.0

    @property
    def gpu(self) -> float | None:
        """Share of the time that the busiest GPU is at work, 0 to 1; None where there is none."""
        gpus = self.gauge.gpus
        return max(gpu.use for gpu in gpus) if gpus else None

    @property
    def eased(self) -> dict[str, int]:
        """What is turned down, by knob: level 0 is the best."""
        return self._governor.eased

    def knobs(self) -> tuple[Change, ...]:
        """The change that sets every knob to what it is to be now."""
        return (knob_change(self._governor.values),) if self._options.governed else ()

    def adapt(self, settings: Settings) -> None:
        """Turn what there is to turn with other settings; begins anew where that is not the same.

        Args:
            settings: of the swap, from now on.
        """
        free = knobs_of(settings)
        if free != self._free:
            self._free = free
            self._governor = Governor(free, find_preset(self._options.preset))

    def work_by(self, preset: str) -> None:
        """Turn knobs by another preset from now on.

        Raises:
            SettingsError: there is none of that name.
        """
        found = find_preset(preset)
        self._options = replace(self._options, preset=preset)
        self._governor = Governor(self._free, found)

    def set_out(self) -> None:
        """Set the stages up for a stream, with the knobs as the preset begins."""
        self._run.change(steady_change(), *self.knobs())

    def close(self) -> None:
        """Let the gauges go; may be called twice."""
        self._gauges.close()

    def look(self, now: LiveStatistics) -> None:
        """Measure the time since the last look, and act on it.

        Args:
            now: the stream as it is.
        """
        self.gauge = self._gauges.read()
        load = self._measure()
        self.alarms = self._watch.observe(load.now_s, now, self.gauge)
        if not self._options.governed or self._run.paused:
            return
        turns = self._governor.observe(load)
        if turns:
            self._run.change(knob_change({turn.name: turn.value for turn in turns}))

    def _measure(self) -> Load:
        now_s, busy_s = time.perf_counter(), self._run.busy_s()
        frames, dropped = self._meter.frames, self._meter.losses["dropped"]
        passed_s = max(now_s - self._seen_s, 1e-6)
        worked_s = {name: busy_s[name] - self._busy_s[name] for name in busy_s}
        self.busiest = max(worked_s, key=lambda name: worked_s[name])
        self.busy = min(1.0, worked_s[self.busiest] / passed_s)
        self._admit(list(worked_s.values()), frames - self._frames)
        source_fps, output_fps = self._meter.recent_fps()
        load = Load(
            now_s=now_s,
            p95_ms=self._meter.recent_p95_ms(),
            queue_age_ms=1000 * self._run.queue_age_s(),
            source_fps=source_fps,
            output_fps=output_fps,
            dropped=dropped - self._dropped,
            busy=self.busy,
            period_ms=float(1000 / self._rate) if self._rate else 1000 / max(source_fps, 1.0),
        )
        self._busy_s, self._seen_s = busy_s, now_s
        self._frames, self._dropped = frames, dropped
        return load

    def _admit(self, worked_s: list[float], frames: int) -> None:
        """Let as many frames in as keep the slowest section at work: more would only wait."""
        slowest_s = max(worked_s)
        if frames > 0 and slowest_s > 0:
            wanted = round(sum(worked_s) / slowest_s) + self._line.holds
            self._run.permits.limit = min(max(wanted, _LEAST_ALIVE), _MOST_ALIVE)


def knobs_of(settings: Settings) -> list[Knob]:
    """What may be turned; not what the user has set by hand."""
    free = settings.detect_every == Settings().detect_every
    knobs = [knob for knob in _KNOBS if free or knob.name != "search"]
    networks = settings.model != "mesh" or bool(settings.enhancer)
    if networks and settings.refresh == "auto":
        knobs.append(_REFRESHES)
        if settings.enhancer:
            knobs.append(_ENHANCER)
    return knobs
