"""The steps that can be given up, which of them are, and what each has saved.

A step's saving is measured when it is taken and again when it is given back, since only that
tells whether the device can afford the better picture. What was measured is trusted less with
time: the load may have changed its nature, and then only a trial tells. A trial that fails makes
the next one rarer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from masquerade.core.errors import SettingsError
from masquerade.pipeline.knobs import Knob, Turn
from masquerade.pipeline.load import Effort
from masquerade.pipeline.presets import Preset

__all__ = ["Ladder", "Rung"]

_FIRST_WAIT_S = 6.0  # how long there must be room before a step is given back
_LONGEST_WAIT_S = 240.0
_TOO_SOON_S = 30.0  # a step that is needed again within this was given back too soon
_FORGIVEN_S = 60.0  # one that was not needed for this long was given back rightly
_TRUSTED_S = 20.0  # how long a measured saving is taken for true
_HALF_TRUST_S = 60.0  # after which the trust in it has halved
_GUESS = 1.4  # saving of a step that was never measured
_MOST = 2.2  # more than this is the load that went, not the step that saved
_FULL = 0.9  # busy time from which frames queue
_NOTHING = 1.03  # a saving that is within the noise
_SOMETHING = 1.08  # one that is beyond it


@dataclass(slots=True)
class Rung:
    """One step: a knob and the level that the step turns it to.

    Attributes:
        knob: which one.
        level: of the knob when the step is taken.
        taken: whether it is.
        saves: work per frame before the step by work after it.
        saves_ms: latency that the step has taken off.
        saves_nothing: whether it was measured to have changed nothing.
        measured_s: when these were measured; None never.
        room_s: how long there has been room to give the step back.
        wait_s: how long there has to be.
        given_back_s: when it was last given back.
        barred_until_s: it is not taken before: it saved nothing.
    """

    knob: Knob
    level: int
    taken: bool = False
    saves: float = _GUESS
    saves_ms: float = 0.0
    saves_nothing: bool = False
    measured_s: float | None = None
    room_s: float = 0.0
    wait_s: float = _FIRST_WAIT_S
    given_back_s: float = -math.inf
    barred_until_s: float = -math.inf

    @property
    def came_back(self) -> bool:
        """Whether the step was given back too soon before, so that it has to wait longer now."""
        return self.wait_s > _FIRST_WAIT_S

    def measure(self, above: Effort, below: Effort, now_s: float) -> None:
        """Take over what the step saves: frames cost ``above`` without it, ``below`` with it."""
        if not (above.frame_s and below.frame_s):
            return
        self.saves = min(max(above.frame_s / below.frame_s, 1.0), _MOST)
        # A full line's latency is that of its queues: only the work tells what the step took off.
        full = max(above.busy, below.busy) > _FULL
        work_ms = 1000 * (above.frame_s - below.frame_s)
        self.saves_ms = max(0.0, work_ms if full else above.p95_ms - below.p95_ms)
        gain = max(self.saves, 1 + self.saves_ms / max(below.p95_ms, 1.0))
        self.saves_nothing = gain < _NOTHING
        self.measured_s = now_s
        if gain > _SOMETHING:
            self.barred_until_s = -math.inf

    def without(self, effort: Effort, now_s: float) -> Effort:
        """What frames would cost if the step were given back."""
        age_s = 0.0 if self.measured_s is None else now_s - self.measured_s
        slower = self.wait_s / _FIRST_WAIT_S
        trust = 0.5 ** (max(0.0, age_s / slower - _TRUSTED_S) / _HALF_TRUST_S)
        return Effort(
            busy=effort.busy * self.saves**trust,
            frame_s=effort.frame_s * self.saves**trust,
            p95_ms=effort.p95_ms + self.saves_ms * trust,
        )

    def take(self, now_s: float) -> None:
        """Take the step; one that was given back too soon waits twice as long the next time."""
        held_s = now_s - self.given_back_s
        if held_s < _TOO_SOON_S:
            self.wait_s = min(2 * self.wait_s, _LONGEST_WAIT_S)
        elif held_s > _FORGIVEN_S:
            self.wait_s = _FIRST_WAIT_S
        self.taken = True

    def give_back(self, now_s: float, *, barred_s: float = 0.0) -> None:
        """Undo the step; with ``barred_s`` it is not taken again for so long."""
        self.taken = False
        self.given_back_s = now_s
        self.barred_until_s = now_s + barred_s


class Ladder:
    """A preset's steps on the knobs that are there.

    Args:
        knobs: what can be turned.
        preset: which steps there are; those of other knobs are left out.

    Raises:
        SettingsError: the preset names a value that its knob cannot have.
    """

    def __init__(self, knobs: Sequence[Knob], preset: Preset) -> None:
        self._knobs = {knob.name: knob for knob in knobs}
        self._start = {
            name: knob.level_of(preset.start.get(name, knob.levels[0]))
            for name, knob in self._knobs.items()
        }
        self.rungs = tuple(
            Rung(self._knobs[name], self._knobs[name].level_of(value))
            for name, value in preset.steps
            if name in self._knobs
        )
        reached = dict(self._start)
        for rung in self.rungs:
            if rung.level <= reached[rung.knob.name]:
                raise SettingsError(
                    f"The preset {preset.name!r} turns {rung.knob.name} up or nowhere; "
                    "order its steps from the best to the cheapest."
                )
            reached[rung.knob.name] = rung.level

    @property
    def levels(self) -> dict[str, int]:
        """The level of every knob."""
        levels = dict(self._start)
        for rung in self.rungs:
            if rung.taken:
                levels[rung.knob.name] = max(levels[rung.knob.name], rung.level)
        return levels

    def next_down(self, now_s: float) -> Rung | None:
        """The cheapest step that can still be taken."""
        levels = self.levels
        for rung in self.rungs:
            higher = rung.level > levels[rung.knob.name]
            if not rung.taken and higher and now_s >= rung.barred_until_s:
                return rung
        return None

    def undoable(self) -> Iterator[Rung]:
        """Steps that can be given back, the dearest first: of each knob the last one taken."""
        seen: set[str] = set()
        for rung in reversed(self.rungs):
            if rung.taken and rung.knob.name not in seen:
                seen.add(rung.knob.name)
                yield rung

    def turn(self, name: str, reason: str) -> Turn:
        """The turn that sets a knob to where it now stands."""
        level = self.levels[name]
        return Turn(name, self._knobs[name].levels[level], level, reason)

    def no_room(self) -> None:
        """Nothing can be afforded: the time for which there was room counts no more."""
        for rung in self.rungs:
            rung.room_s = 0.0
