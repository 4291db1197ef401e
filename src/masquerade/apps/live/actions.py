"""What a user can do while a stream runs: one table for the keys of window and terminal alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masquerade.apps.live.controls import Controls

__all__ = ["ACTIONS", "Action", "key_labels"]

_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does.

    Attributes:
        name: a short noun or verb, unique.
        keys: what calls it: a lower-case character, or one of ``space``, ``escape``, ``up``,
            ``down``, ``left``, ``right``, ``f1`` to ``f12``.
        text: what it does, for the list of keys.
        run: does it and returns what is to be said, empty for nothing.
        window: it needs a window.
        donors: it needs several donors.
        slow: it may take longer than a blink, so a thread of its own does it.
        repeats: a key that is held down does it again and again.
    """

    name: str
    keys: tuple[str, ...]
    text: str
    run: Callable[[Controls], str]
    window: bool = False
    donors: bool = False
    slow: bool = False
    repeats: bool = False


def key_labels(actions: Iterable[Action]) -> list[tuple[str, str]]:
    """Keys as they are written on a keyboard, and what each does.

    >>> key_labels(ACTIONS)[0]
    ('Space', 'pause, go on')
    """
    return [(" ".join(map(_label, action.keys)), action.text) for action in actions]


def _label(key: str) -> str:
    arrows = {"up": "↑", "down": "↓", "left": "←", "right": "→"}
    return arrows.get(key, "Esc" if key == "escape" else key.title())


def _pause(controls: Controls) -> str:
    session = controls.session
    if session.paused:
        session.resume()
        return "Going on"
    session.pause()
    return "Paused"


def _switch(name: str, said: str) -> Callable[[Controls], str]:
    """An action that turns one switch of the view."""

    def run(controls: Controls) -> str:
        on = not getattr(controls.view, name)
        setattr(controls.view, name, on)
        return f"{said} {'on' if on else 'off'}" if said else ""

    return run


def _back(controls: Controls) -> str:
    controls.view.help = controls.view.full_screen = False
    return ""


def _help(controls: Controls) -> str:
    if controls.has_window:
        controls.view.help = not controls.view.help
        return ""
    labels = key_labels(controls.actions)
    width = max(len(keys) for keys, _ in labels)
    return "\n".join(f"  {keys:{width}}  {text}" for keys, text in labels)


def _stop(controls: Controls) -> str:
    controls.session.stop()
    return "Stopping"


def _steps(setting: str, more: tuple[str, str, str], less: tuple[str, str, str]) -> list[Action]:
    """Two actions, (name, key, text) each, that move one setting between 0 and 1."""

    def run(controls: Controls, by: float) -> str:
        before: float = getattr(controls.settings, setting)
        value = round(min(1.0, max(0.0, before + by)), 2)
        if value != before:
            controls.session.change_settings(**{setting: value})
        return f"{setting.title()} {value:.0%}"

    return [
        Action(name, (key,), text, partial(run, by=by), slow=True, repeats=True)
        for (name, key, text), by in ((more, _STEP), (less, -_STEP))
    ]


def _many_faces(controls: Controls) -> str:
    wanted = not controls.settings.many_faces
    controls.session.change_settings(many_faces=wanted)
    return "Every face is swapped" if wanted else "One face is swapped"


def _donor(by: int) -> Callable[[Controls], str]:
    return lambda controls: f"Donor: {controls.change_donor(by)}"


def _snapshot(controls: Controls) -> str:
    path = controls.snapshots.save() if controls.snapshots else None
    return f"Saved {path}" if path else "There is no picture yet"


_FULL_SCREEN_KEYS = ("f", "f11") if sys.platform != "darwin" else ("f",)  # F11 is the system's

ACTIONS: tuple[Action, ...] = (
    Action("pause", ("space",), "pause, go on", _pause),
    Action("stop", ("q",), "stop", _stop),
    Action("mirror", ("m",), "mirror the view", _switch("mirror", "Mirror"), window=True),
    Action("wipe", ("w",), "before and after, side by side", _switch("wipe", "Wipe"), window=True),
    Action("numbers", ("i",), "rate, latency, losses", _switch("numbers", ""), window=True),
    Action("next donor", ("n",), "next donor", _donor(1), donors=True, slow=True),
    Action("previous donor", ("p",), "previous donor", _donor(-1), donors=True, slow=True),
    Action("all faces", ("a",), "swap every face, or one", _many_faces, slow=True),
    *_steps(
        "shape",
        ("more shape", "up", "more of the donor's face shape"),
        ("less shape", "down", "less of the donor's face shape"),
    ),
    *_steps(
        "strength",
        ("stronger", "right", "a stronger swap"),
        ("weaker", "left", "a weaker swap"),
    ),
    Action("snapshot", ("s",), "save the picture", _snapshot, slow=True),
    Action(
        "full screen", _FULL_SCREEN_KEYS, "full screen", _switch("full_screen", ""), window=True
    ),
    Action("on top", ("t",), "keep the window on top", _switch("on_top", "On top"), window=True),
    Action("help", ("h", "?"), "this list", _help),
    Action("back", ("escape",), "close this list, leave full screen", _back, window=True),
)
"""Everything that a key can do, in the order in which the list of keys shows it."""
