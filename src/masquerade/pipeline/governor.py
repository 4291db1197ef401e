"""Keeps a live line in time: gives quality up under load and takes it back when there is room.

Strain that lasts takes the next step of the preset's ladder. A step is given back when its
measured saving says that the device would still have room to spare, for much longer than it takes
to give it up. A step that was given back too soon waits twice as long the next time, up to four
minutes, and one that has saved nothing is undone. So the picture does not flap between two levels.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from masquerade.pipeline.knobs import Knob, Turn
from masquerade.pipeline.ladder import Ladder, Rung
from masquerade.pipeline.load import Effort, Load, effort_of, strain_of
from masquerade.pipeline.presets import Preset

__all__ = ["Governor"]

_SETTLE_S = 2.0  # rates are taken over two seconds, so a turn is not seen before
_STRAIN_S = 1.5  # how long strain has to last
_ROOM = 0.75  # busy time up to which a step that is given back leaves room
_ROOM_FOR_NOTHING = 0.9  # the same for a step that saves nothing anyway
_PLENTY = 0.5  # busy time up to which half the wait will do
_LATE_ROOM = 0.95  # of the latency that is allowed
_MEASURED = 3  # loads that a measurement needs
_REMEMBERED = 8  # loads that are looked at
_LONGEST_GAP_S = 1.0  # between two observations; what is longer was no observation
_HOPELESS_S = 10.0  # strain for so long with nothing left to give up
_BARRED_S = 240.0


class Governor:
    """Decides which knob to turn; the caller turns it.

    Pure: no thread and no clock of its own. Call :meth:`observe` about twice a second.

    Args:
        knobs: what can be turned.
        preset: what may be given up, in which order, and for which latency.

    Raises:
        SettingsError: the preset names a value that its knob cannot have.
    """

    def __init__(self, knobs: Sequence[Knob], preset: Preset) -> None:
        self._knobs = tuple(knobs)
        self._strain_s = 0.0
        self._begin(preset)

    @property
    def preset(self) -> Preset:
        """The preset in use."""
        return self._preset

    @property
    def values(self) -> dict[str, float]:
        """What every knob is to be set to, also before the first observation."""
        levels = self._ladder.levels
        return {knob.name: knob.levels[levels[knob.name]] for knob in self._knobs}

    @property
    def eased(self) -> dict[str, int]:
        """The knobs that are not at their best, and their levels."""
        return {name: level for name, level in self._ladder.levels.items() if level}

    def use(self, preset: Preset) -> tuple[Turn, ...]:
        """Start anew with another preset; returns the turns that lead to its start.

        Raises:
            SettingsError: the preset names a value that its knob cannot have; then nothing changes.
        """
        before = self._ladder.levels
        self._begin(preset)
        return tuple(
            self._ladder.turn(name, f"preset {preset.name}")
            for name, level in self._ladder.levels.items()
            if level != before[name]
        )

    def observe(self, load: Load) -> tuple[Turn, ...]:
        """Take a measurement into account; returns the knobs to turn now, one at most."""
        step_s = self._since_last(load.now_s)
        if load.source_fps <= 0:
            self._pause()
            return ()
        if load.now_s - self._turned_s < _SETTLE_S:
            return ()
        self._recent.append(load)
        self._measure(load.now_s)
        strain = strain_of(load, self._preset.p95_ms)
        if strain:
            self._ladder.no_room()
            self._strain_s += step_s
            return self._down(load.now_s, strain) if self._strain_s >= _STRAIN_S else ()
        self._strain_s = max(0.0, self._strain_s - step_s)
        return self._up(load, step_s)

    def _begin(self, preset: Preset) -> None:
        self._ladder = Ladder(self._knobs, preset)
        self._preset = preset
        self._recent: deque[Load] = deque(maxlen=_REMEMBERED)
        self._account: tuple[Rung, Effort] | None = None
        self._now_s: float | None = None
        self._turned_s = -math.inf
        self._strain_s = 0.0

    def _since_last(self, now_s: float) -> float:
        """Seconds since the last observation, as far as they were observed."""
        if self._now_s is None:
            self._now_s = self._turned_s = now_s  # the first frames are nobody's measure
        step_s = min(max(0.0, now_s - self._now_s), _LONGEST_GAP_S)
        self._now_s = now_s
        return step_s

    def _pause(self) -> None:
        """Nothing comes in: what was seen so far says nothing about what will come."""
        self._strain_s = 0.0
        self._recent.clear()
        self._account = None
        self._turned_s = self._now_s or 0.0
        self._ladder.no_room()

    def _down(self, now_s: float, strain: str) -> tuple[Turn, ...]:
        rung = self._ladder.next_down(now_s)
        if rung is not None:
            rung.take(now_s)
            return self._turned(rung, now_s, strain)
        if now_s - self._turned_s < _HOPELESS_S:
            return ()
        for rung in self._ladder.undoable():
            if rung.saves_nothing and now_s - rung.given_back_s > _BARRED_S:
                rung.give_back(now_s, barred_s=_BARRED_S)
                return self._turned(rung, now_s, "it saved nothing")
        return ()

    def _up(self, load: Load, step_s: float) -> tuple[Turn, ...]:
        if len(self._recent) < _MEASURED:
            return ()
        effort = effort_of(self._recent)
        allowed_ms = _LATE_ROOM * load.allowed_ms(self._preset.p95_ms)
        for rung in self._ladder.undoable():
            then = rung.without(effort, load.now_s)
            room = _ROOM_FOR_NOTHING if rung.saves_nothing else _ROOM
            if then.busy > room or then.p95_ms > allowed_ms:
                rung.room_s = max(0.0, rung.room_s - step_s)
                continue
            rung.room_s += step_s
            if rung.room_s >= rung.wait_s * (0.5 if then.busy <= _PLENTY else 1.0):
                rung.give_back(load.now_s)
                return self._turned(rung, load.now_s, f"room: busy {effort.busy:.0%}")
            if not rung.came_back:
                break  # what is seen the most comes back first
        return ()

    def _turned(self, rung: Rung, now_s: float, reason: str) -> tuple[Turn, ...]:
        """Open the account of what the turn saves or costs, and wait until it shows."""
        self._account = (rung, effort_of(self._recent))
        self._recent.clear()
        self._turned_s = now_s
        self._strain_s = 0.0
        self._ladder.no_room()
        return (self._ladder.turn(rung.knob.name, reason),)

    def _measure(self, now_s: float) -> None:
        """Work out what the last turn has saved, the better the more was seen of its effect."""
        if self._account is None or len(self._recent) < _MEASURED:
            return
        rung, before = self._account
        after = effort_of(self._recent)
        above, below = (before, after) if rung.taken else (after, before)
        rung.measure(above, below, now_s)
        if len(self._recent) == _REMEMBERED:
            self._account = None
