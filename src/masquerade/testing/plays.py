"""Hard scenes for a face tracker and a swapper, with everything about them known."""

from __future__ import annotations

from collections.abc import Callable

from masquerade.media.puppet import Actor, LightKind, Occluder, PuppetSource, Scene, Turn

__all__ = ["PLAYS", "play"]


def _talk() -> list[Scene]:
    return [Scene(actors=(Actor(portrait="astronaut"),), seconds=3, background="astronaut")]


def _occluded() -> list[Scene]:
    actor = Actor(portrait="astronaut")
    things = (
        Occluder(kind="hand", start_s=0.4, end_s=2.0),
        Occluder(kind="microphone", start_s=2.2, end_s=3.4),
        Occluder(kind="bar", start_s=3.4, end_s=5.0),
    )
    return [Scene(actors=(actor,), occluders=things, seconds=5.2, background=2)]


def _profile() -> list[Scene]:
    turns = (Turn(0.3, 2.0, 65), Turn(2.4, 2.0, -65), Turn(4.5, 1.2, 0, 35))
    return [Scene(actors=(Actor(portrait="astronaut", turns=turns),), seconds=6, background=4)]


def _leaves_and_returns() -> list[Scene]:
    # Out at the right, unseen below the frame to the other side, in again at the left.
    path = (
        *((0.0, 0.5, 0.42), (0.5, 0.5, 0.42), (1.9, 1.4, 0.42), (2.0, 1.4, 3.0)),
        *((2.1, -0.4, 3.0), (2.2, -0.4, 0.42), (3.8, 0.45, 0.42), (4.6, 0.5, 0.42)),
    )
    return [Scene(actors=(Actor(portrait="astronaut", path=path),), seconds=4.6, background=5)]


def _crossing() -> list[Scene]:
    there = ((0.0, 0.25, 0.4), (4.0, 0.75, 0.4))
    back = ((0.0, 0.75, 0.45), (4.0, 0.25, 0.45))
    actors = (
        Actor(name="a", portrait="astronaut", size=0.3, path=there),
        Actor(name="b", portrait="astronaut", identity_seed=5, size=0.34, path=back),
    )
    return [Scene(actors=actors, seconds=4, background=6)]


def _cuts() -> list[Scene]:
    near = Actor(name="a", portrait="astronaut", size=0.6, path=((0, 0.45, 0.5),))
    left = Actor(name="a", portrait="astronaut", size=0.3, path=((0, 0.25, 0.4),))
    right = Actor(name="b", portrait="astronaut", identity_seed=2, size=0.3, path=((0, 0.75, 0.4),))
    return [
        Scene(actors=(near,), seconds=1.2, background=7),
        Scene(actors=(left, right), seconds=1.2, background=8),
        Scene(actors=(right,), seconds=0.8, background=9),
        Scene(actors=(near,), seconds=1.2, background="astronaut"),
    ]


def _light() -> list[Scene]:
    actor = Actor(portrait="astronaut")
    kinds: tuple[LightKind, ...] = ("side", "dim", "flicker")
    return [Scene(actors=(actor,), light=kind, seconds=2, background=10) for kind in kinds]


def _far() -> list[Scene]:
    def at(k: int) -> Actor:
        path = ((0.0, 0.14 + 0.24 * k, 0.45 + 0.1 * (k % 2)),)
        seed = k if k else None
        return Actor(name=f"far{k}", portrait="astronaut", identity_seed=seed, size=0.14, path=path)

    return [Scene(actors=tuple(at(k) for k in range(4)), seconds=2, background=11)]


def _fast() -> list[Scene]:
    path = tuple((0.4 * k, 0.3 + 0.4 * (k % 2), 0.42 - 0.06 * (k % 3)) for k in range(9))
    return [Scene(actors=(Actor(portrait="astronaut", path=path),), seconds=3.2, background=12)]


PLAYS: dict[str, Callable[[], list[Scene]]] = {
    "talk": _talk,
    "occluded": _occluded,
    "profile": _profile,
    "leaves and returns": _leaves_and_returns,
    "crossing": _crossing,
    "cuts": _cuts,
    "light": _light,
    "far": _far,
    "fast": _fast,
}
"""Scenes by name, each a few seconds."""


def play(
    name: str,
    *,
    size_wh: tuple[int, int] = (640, 480),
    rate: int = 25,
    noise: float = 0.0,
    seed: int = 0,
) -> PuppetSource:
    """The source of a play.

    Raises:
        KeyError: there is no such play.
    """
    return PuppetSource(PLAYS[name](), size_wh=size_wh, rate=rate, noise=noise, seed=seed)
