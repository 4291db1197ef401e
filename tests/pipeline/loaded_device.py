"""A simulated line on a simulated device: frames, queues and knobs, but no time that passes."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from masquerade.pipeline.governor import Governor
from masquerade.pipeline.knobs import Knob, Turn
from masquerade.pipeline.load import Load

KNOBS = (
    Knob("search", (10, 20, 40)),
    Knob("looks", (1, 2)),
    Knob("resolution", (1.0, 0.75, 0.5)),
)
WINDOW_S = 0.5
FPS_OVER_S = 2.0
WAITING = 2  # frames that fit between two stages


def no_load(_now_s: float) -> float:
    return 1.0


@dataclass
class Device:
    """Three stages in a row, in milliseconds at the best levels.

    ``load`` multiplies every time; ``noise`` is the standard deviation of one frame's time as a
    share of it.
    """

    detect_ms: float = 4.0
    track_ms: float = 8.0
    swap_ms: float = 20.0
    search_ms: float = 25.0
    source_fps: float = 30.0
    planned_fps: float | None = None
    load: Callable[[float], float] = no_load
    noise: float = 0.05
    seed: int = 1

    def times_s(self, now_s: float, values: dict[str, float], chance: random.Random) -> list[float]:
        pixels = values["resolution"] ** 2
        scale = self.load(now_s)
        return [
            max(0.1, chance.gauss(1, self.noise)) * scale * ms / 1000
            for ms in (
                self.detect_ms + self.search_ms / values["search"],
                self.track_ms * (0.4 + 0.6 / values["looks"]),
                self.swap_ms * (0.3 + 0.7 * pixels),
            )
        ]


@dataclass
class Trace:
    """What happened: every turn with its time, and every measurement."""

    turns: list[tuple[float, Turn]] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    levels: list[tuple[float, dict[str, int]]] = field(default_factory=list)

    def turns_between(self, begin_s: float, end_s: float) -> list[Turn]:
        return [turn for now_s, turn in self.turns if begin_s <= now_s < end_s]

    def level_at(self, when_s: float, knob: str) -> int:
        return [level for now_s, level in self.levels if now_s <= when_s][-1].get(knob, 0)


def play(governor: Governor, device: Device, seconds: float = 60.0) -> Trace:
    """Run the line for so long, with the governor's turns carried out."""
    chance = random.Random(device.seed)
    trace = Trace()
    rig = _Rig(device.source_fps, 1 / (device.planned_fps or device.source_fps))
    window_s = WINDOW_S
    for number in range(int(seconds * device.source_fps)):
        arrived_s = number / device.source_fps
        while window_s <= arrived_s:
            load = rig.measure(window_s)
            trace.loads.append(load)
            trace.turns += [(window_s, turn) for turn in governor.observe(load)]
            trace.levels.append((window_s, governor.eased))
            window_s += WINDOW_S
        rig.arrive(arrived_s, device.times_s(arrived_s, governor.values, chance))
    return trace


class _Rig:
    """Queues in front of stages; the newest frame wins at the entrance."""

    def __init__(self, source_fps: float, period_s: float) -> None:
        self._source_fps, self._period_s = source_fps, period_s
        self._done = [deque([0.0] * (WAITING + 1), maxlen=WAITING + 1) for _ in range(3)]
        self._waiting: tuple[float, list[float]] | None = None
        self._emitted: deque[tuple[float, float]] = deque(maxlen=400)  # (when, latency)
        self._works: list[deque[tuple[float, float]]] = [deque(maxlen=400) for _ in range(3)]
        self._dropped = 0
        self._planned_s = 0.0

    def arrive(self, arrived_s: float, times_s: list[float]) -> None:
        if self._waiting is not None and self._free_s() <= arrived_s:
            self._process(*self._waiting)
            self._waiting = None
        if self._planned_s > arrived_s + 1e-6:
            self._dropped += 1  # more frames than are planned: dropped at the entrance
            return
        self._planned_s = max(self._planned_s, arrived_s - self._period_s) + self._period_s
        if self._waiting is None and self._free_s() <= arrived_s:
            self._process(arrived_s, times_s)
            return
        self._dropped += self._waiting is not None
        self._waiting = (arrived_s, times_s)

    def _free_s(self) -> float:
        return self._done[0][-1]

    def _process(self, arrived_s: float, times_s: list[float]) -> None:
        ready_s = arrived_s
        for index, time_s in enumerate(times_s):
            begun_s = max(ready_s, self._done[index][-1])
            ready_s = begun_s + time_s
            self._works[index].append((begun_s, ready_s))
            if index + 1 < len(times_s):
                ready_s = max(ready_s, self._done[index + 1][0])  # the next queue is full
            self._done[index].append(ready_s)
        self._emitted.append((ready_s, ready_s - arrived_s))

    def measure(self, now_s: float) -> Load:
        recent = [
            late_s for when_s, late_s in self._emitted if now_s - FPS_OVER_S < when_s <= now_s
        ]
        late = sorted(recent) or [0.0]
        since_s = now_s - WINDOW_S
        busy = max(
            sum(max(0.0, min(end, now_s) - max(begin, since_s)) for begin, end in works)
            for works in self._works
        )
        dropped, self._dropped = self._dropped, 0
        return Load(
            now_s=now_s,
            p95_ms=1000 * late[int(0.95 * (len(late) - 1))],
            queue_age_ms=1000 * (now_s - self._waiting[0]) if self._waiting else 0.0,
            source_fps=self._source_fps,
            output_fps=len(recent) / min(FPS_OVER_S, now_s),
            dropped=dropped,
            busy=min(1.0, busy / WINDOW_S),
            period_ms=1000 * self._period_s,
        )
