"""Raises an alarm for what is wrong for a while, with the cause and the remedy, and clears it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from masquerade.core.addresses import without_secrets
from masquerade.pipeline.leak import Leak, LeakDetector
from masquerade.pipeline.shortfall import FULL, IDLE, Finding, find_shortfall, fps_limit
from masquerade.pipeline.statistics import LiveStatistics, SinkState
from masquerade.runtime.gauges import GaugeReading

__all__ = ["Alarm", "Watch"]

_WAITING_S = 10.0  # how long a source or a sink may wait before it is worth a word
_CLEAR_S = 5.0  # how long all has to be well before an alarm is over
_LEAK_OVER_S = 60.0
_OTHER_CAUSE_S = 30.0  # how long another cause has to last before the alarm says so
_SINK_OVER_S = 10.0  # over which a sink's losses are taken
_SINK_LOSES = 0.1  # share of the frames that a sink may lose
_LONGEST_GAP_S = 5.0  # between two observations; after more the conditions begin anew


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong.

    Attributes:
        kind: fps, leak, device, source, or ``sink NAME``.
        cause: one word for what stands behind it.
        text: what is wrong and what to do; the same as long as the alarm stands for one cause.
        since_s: when it was raised, on the caller's clock.
    """

    kind: str
    cause: str
    text: str
    since_s: float

    @property
    def code(self) -> str:
        """For programs: ``fps.others``, ``leak.leak``, ``sink.slow`` and so on, without names."""
        return f"{self.kind.partition(' ')[0]}.{self.cause.partition(' ')[0]}"


class Watch:
    """Looks at a live stream. Pure: no thread, no clock; call it about twice a second.

    Args:
        alarm_fps: frames a second below which an alarm is raised, though never above nine tenths
            of ``rate``; 0 raises none.
        rate: frames a second that the stream should have: the source's, or less if the user asked
            for less; None where it is not known.
        after_s: how long the rate has to be too low.
        leak_warm_up_s: time for which memory is not looked at.
    """

    def __init__(
        self,
        *,
        alarm_fps: float = 25.0,
        rate: float | None = None,
        after_s: float = 5.0,
        leak_warm_up_s: float = 120.0,
    ) -> None:
        self._alarm_fps = alarm_fps
        self._rate = rate
        self._after_s = after_s
        self._leaks = LeakDetector(warm_up_s=leak_warm_up_s)
        self._bells: dict[str, _Bell] = {}
        self._losses: dict[str, _Losses] = {}
        self._best_fps = 0.0
        self._recent_fps: deque[float] = deque(maxlen=6)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms that stand, the oldest first."""
        standing = [bell.alarm for bell in self._bells.values() if bell.alarm is not None]
        return tuple(sorted(standing, key=lambda alarm: alarm.since_s))

    def observe(
        self, now_s: float, now: LiveStatistics, gauge: GaugeReading | None = None
    ) -> tuple[Alarm, ...]:
        """Take a look; returns the alarms that stand now, the oldest first.

        Args:
            now_s: seconds of a monotonic clock.
            now: the stream; its ``alarms`` are not read.
            gauge: the process and its machine, where they are measured.
        """
        limit_fps = fps_limit(self._alarm_fps, self._promised_fps(now))
        shortfall = find_shortfall(now, gauge, limit_fps)
        self._ring("fps", now_s, shortfall, self._after_s)
        leak = self._leaks.observe(now_s, now.rss_bytes)
        self._ring("leak", now_s, _leak(leak), 0.0, _LEAK_OVER_S)
        self._ring("device", now_s, _idle_device(gauge), _WAITING_S)
        self._ring("source", now_s, None if now.paused else _source(now), _WAITING_S)
        for sink in now.sinks:
            losses = self._losses.setdefault(sink.name, _Losses())
            finding, after_s = _sink(sink, losses.share(now_s, sink))
            self._ring(f"sink {without_secrets(sink.name)}", now_s, finding, after_s)
        return self.alarms

    def _ring(
        self,
        kind: str,
        now_s: float,
        finding: Finding | None,
        after_s: float,
        clear_s: float = _CLEAR_S,
    ) -> None:
        bell = self._bells.setdefault(kind, _Bell(kind))
        bell.hear(now_s, finding, after_s, clear_s)

    def _promised_fps(self, now: LiveStatistics) -> float | None:
        """The rate that was announced; else the best that the source has held for a while."""
        if self._rate is not None:
            return self._rate
        self._recent_fps.append(now.source_fps)
        if len(self._recent_fps) == self._recent_fps.maxlen:
            self._best_fps = max(self._best_fps, min(self._recent_fps))
        return self._best_fps


class _Bell:
    """Rings when a finding has lasted, is silent when none has been for a while."""

    def __init__(self, kind: str) -> None:
        self.alarm: Alarm | None = None
        self._kind = kind
        self._cause = ""
        self._heard: Finding | None = None
        self._heard_s = self._changed_s = 0.0

    def hear(self, now_s: float, finding: Finding | None, after_s: float, clear_s: float) -> None:
        cause = "" if finding is None else finding.cause
        before = "" if self._heard is None else self._heard.cause
        # While nothing rings, a finding lasts whatever its cause is.
        same = cause == before if self.alarm else bool(cause) == bool(before)
        if not same or now_s - self._heard_s > _LONGEST_GAP_S:
            self._changed_s = now_s
        self._heard, self._heard_s = finding, now_s
        lasted_s = now_s - self._changed_s
        if finding is None:
            if lasted_s >= clear_s:
                self.alarm, self._cause = None, ""
        elif self.alarm is None:
            if lasted_s >= after_s:
                self._raise(finding, now_s)
        elif cause != self._cause and (not after_s or lasted_s >= _OTHER_CAUSE_S):
            self._raise(finding, now_s)

    def _raise(self, finding: Finding, now_s: float) -> None:
        self.alarm = Alarm(self._kind, finding.cause, without_secrets(finding.text), now_s)
        self._cause = finding.cause


class _Losses:
    """What one sink has lost lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()

    def share(self, now_s: float, sink: SinkState) -> float:
        """Share of the frames that it lost over the last ten seconds; 0 while they are few."""
        self._seen.append((now_s, sink.frames, sink.dropped))
        while now_s - self._seen[0][0] > _SINK_OVER_S:
            self._seen.popleft()
        _, frames, dropped = self._seen[0]
        lost, taken = sink.dropped - dropped, sink.frames - frames
        return lost / (lost + taken) if lost + taken >= 10 else 0.0


def _sink(sink: SinkState, lost: float) -> tuple[Finding | None, float]:
    """What is wrong with an output, and how long that may last."""
    if sink.error is not None:
        return Finding("error", f"{sink.name} has ended: {sink.error}"), 0.0
    if sink.status:
        return Finding(
            "waiting",
            f"{sink.name} has taken no frames for {_WAITING_S:.0f} s ({sink.status}). "
            "Check that its receiver runs and can be reached.",
        ), _WAITING_S
    if lost > _SINK_LOSES:
        return Finding(
            "slow",
            f"{sink.name} is too slow and loses {lost:.0%} of the frames. "
            "Give it a smaller picture, or the line to it more room.",
        ), _WAITING_S / 2
    return None, 0.0


def _source(now: LiveStatistics) -> Finding | None:
    if not now.source:
        return None
    return Finding(
        "waiting",
        f"The source has given nothing for {_WAITING_S:.0f} s ({now.source}). "
        "Check its cable or address; it goes on by itself when it is back.",
    )


def _leak(leak: Leak | None) -> Finding | None:
    if leak is None:
        return None
    return Finding(
        "leak",
        f"Memory has grown by {leak.bytes_per_minute / 1e6:.1f} MB a minute for "
        f"{leak.seconds / 60:.0f} minutes and is at {leak.rss_bytes / 1e6:.0f} MB. Restart the "
        "program before it is full, and report this with what `masquerade --version` prints.",
    )


def _idle_device(gauge: GaugeReading | None) -> Finding | None:
    if gauge is None or not gauge.gpus:
        return None
    busiest = max(gauge.gpus, key=lambda gpu: gpu.use)
    taken = max(gauge.cpu, gauge.host_cpu)
    if taken < FULL or busiest.use >= IDLE:
        return None
    return Finding(
        "idle",
        f"{busiest.name} idles ({busiest.use:.0%}) while the processor is full ({taken:.0%}). "
        "Let a provider of the device run the networks (`masquerade doctor` lists them).",
    )
