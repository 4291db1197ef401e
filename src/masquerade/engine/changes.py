"""What becomes of the stages when donors, settings or knobs change while a stream runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from masquerade.core.frame import Change
from masquerade.trust.badge import make_badge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from masquerade.core.disclosure import Mark
    from masquerade.core.face import Attributes
    from masquerade.core.protocols import Stage
    from masquerade.core.settings import Settings
    from masquerade.stages.detect import FindsFaces
    from masquerade.stages.identity import Identity

__all__ = [
    "KNOBS",
    "donors_change",
    "knob_change",
    "networks_change",
    "settings_change",
    "steady_change",
]

KNOBS: Mapping[str, tuple[str, str]] = {
    "search": ("detect", "every"),
    "looks": ("track", "looks"),
    "resolution": ("swap", "resolution"),
    "refreshes": ("swap", "networks_share"),
    "enhancer": ("swap", "enhances"),
}
"""Stage and attribute of every knob that the governor may turn."""


def settings_change(
    settings: Settings,
    identities: Mapping[str, Identity],
    references: Mapping[str, Attributes | int],
    swap: Callable[[Stage], Stage],
    effects: Any,
    by_hand: Mapping[int, str | None],
    mark: Mark | None,
) -> Change:
    """Everything works by these settings and draws these donors from one frame on.

    Args:
        settings: how to swap.
        identities: the donors by name.
        references: whom each donor replaces.
        swap: sets the stage that swaps, or puts another in its place.
        effects: what ``Effects.prepare`` made of the settings.
        by_hand: by track number, the donor that somebody gave to that face, None for nobody.
        mark: is put into every frame.
    """
    return Change(
        {
            "detect": _calling("configure", settings),
            "content": _calling("configure", settings),
            "select": _calling("configure", settings, identities, references, by_hand),
            "swap": swap,
            "composite": _calling("configure", settings),
            "conceal": _calling("configure", settings),
            "strict": _calling("configure", settings),
            "effects": _calling("configure", effects),
            "disclose": _calling("configure", make_badge(settings.label), mark),
        }
    )


def networks_change(change: Change, finder: FindsFaces) -> Change:
    """The same change, and faces are searched with another detector.

    Args:
        change: as :func:`settings_change` made it.
        finder: searches from then on.
    """

    def turn(stage: Stage) -> Stage:
        stage = change.stages["detect"](stage)
        return _calling("search_with", finder)(stage)

    return Change({**change.stages, "detect": turn})


def donors_change() -> Change:
    """Nothing that was drawn for an earlier donor is shown again."""
    return Change({"composite": _calling("forget"), "conceal": _calling("forget")})


def steady_change() -> Change:
    """No frame costs much more than another: as live streams want it."""
    return Change({"detect": _setting({"evenly": True})})


def knob_change(values: Mapping[str, float]) -> Change:
    """Knobs are set to these values from one frame on; see :data:`KNOBS`."""
    by_stage: dict[str, dict[str, float]] = {}
    for knob, value in values.items():
        stage, attribute = KNOBS[knob]
        by_stage.setdefault(stage, {})[attribute] = value
    return Change({stage: _setting(given) for stage, given in by_stage.items()})


def _calling(method: str, *args: Any) -> Callable[[Stage], Stage]:
    def turn(stage: Stage) -> Stage:
        getattr(stage, method)(*args)
        return stage

    return turn


def _setting(values: Mapping[str, float]) -> Callable[[Stage], Stage]:
    def turn(stage: Stage) -> Stage:
        for attribute, value in values.items():
            if hasattr(stage, attribute):  # the built-in swapper has no networks to turn
                setattr(stage, attribute, type(getattr(stage, attribute))(value))
        return stage

    return turn
