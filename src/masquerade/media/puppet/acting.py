"""What puppets do: who is on the stage, where they go, how they move and speak."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from masquerade.media.puppet.expression import Expression
from masquerade.media.puppet.head import FACE_CM
from masquerade.media.puppet.render import Light, Placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet.portrait import BundledName, Portrait

__all__ = [
    "Actor",
    "LightKind",
    "Occluder",
    "OccluderKind",
    "Performance",
    "Scene",
    "Turn",
    "light_at",
]

LightKind = Literal["even", "side", "dim", "flicker"]
"""even: the portrait's own; side: a strong lamp wanders from right to left; dim: down to a third
and back every four seconds; flicker: brightness and tint tremble."""

OccluderKind = Literal["hand", "microphone", "bar"]


@dataclass(frozen=True, slots=True)
class Turn:
    """The head turns away and comes back.

    Attributes:
        start_s: when it begins.
        length_s: when it is over, after ``start_s``.
        yaw_deg: the farthest point; positive to the image's right. Faces hold up to about 65.
        pitch_deg: the farthest point; positive up.
    """

    start_s: float
    length_s: float
    yaw_deg: float
    pitch_deg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One head in a scene.

    Attributes:
        name: the same person has the same name in every scene; names are the ids of the truth.
        portrait: a bundled name or a portrait.
        identity_seed: None plays the portrait itself; a number plays somebody else.
        size: height of the face mesh over the frame's height.
        path: keyframes (seconds, x, y): the middle of the face in fractions of the frame,
            joined smoothly; outside 0..1 is out of sight.
        turns: turns of the head besides the constant small movement.
        sway: how lively the head moves; 0 keeps it still.
        talk: how much it speaks; 0 keeps the mouth closed.
        blink: False keeps the eyes open.
    """

    name: str = "a"
    portrait: BundledName | Portrait = "mona_lisa"
    identity_seed: int | None = None
    size: float = 0.42
    path: tuple[tuple[float, float, float], ...] = ((0.0, 0.5, 0.42),)
    turns: tuple[Turn, ...] = ()
    sway: float = 1.0
    talk: float = 1.0
    blink: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Occluder:
    """A thing that comes in front of an actor's face and goes again.

    Attributes:
        kind: hand, microphone or bar.
        actor: name of the actor.
        start_s, end_s: when it enters and when it has left.
    """

    kind: OccluderKind = "hand"
    actor: str = "a"
    start_s: float = 0.5
    end_s: float = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A stretch of the video without a cut.

    Attributes:
        actors: drawn in this order, so the last one is in front.
        seconds: length.
        occluders: things in front of faces.
        light: see LightKind.
        background: a seed of a painted backdrop, or a portrait whose own background is shown.
    """

    actors: tuple[Actor, ...] = (Actor(),)
    seconds: float = 4.0
    occluders: tuple[Occluder, ...] = ()
    light: LightKind = "even"
    background: int | BundledName = 0


class Performance:
    """The movement of one actor in one scene, a pure function of time."""

    def __init__(self, actor: Actor, seed: int, seconds: float) -> None:
        self._actor = actor
        rng = np.random.default_rng([seed, zlib.crc32(actor.name.encode())])
        self._phases = rng.uniform(0, 2 * np.pi, 24)
        self._tempo = rng.uniform(0.85, 1.15, 24)
        self._blinks = np.cumsum(rng.uniform(1.2, 3.6, int(seconds) + 4)) - 0.8
        self._saccades = np.cumsum(rng.uniform(0.5, 1.6, 2 * int(seconds) + 6))
        self._gazes = rng.uniform(-1, 1, (len(self._saccades) + 1, 2))
        self._gazes[0] = 0

    def expression(self, t: float) -> Expression:
        """The face at a time in seconds."""
        wave, actor = self._wave, self._actor
        phrase = np.clip(0.6 + 1.2 * wave(0, t, 0.35), 0, 1)
        syllable = 0.45 * wave(1, t, 2.1) + 0.35 * wave(2, t, 3.4) + 0.2 * wave(3, t, 5.1)
        speech = actor.talk * phrase
        blink = self._blink(t) if actor.blink else 0.0
        gaze = self._gaze(t)
        return Expression(
            jaw=float(speech * np.clip(0.28 + 0.6 * syllable, 0, 1)),
            pucker=float(speech * np.clip(wave(4, t, 1.3) + 0.6 * wave(5, t, 2.7), 0, 1) * 0.6),
            smile=float(actor.sway * (0.25 * wave(6, t, 0.22) + 0.2 * wave(7, t, 0.5))),
            brow=float(actor.sway * np.clip(wave(8, t, 0.4), 0, 1) ** 2 * 0.7),
            frown=float(actor.sway * np.clip(wave(9, t, 0.27), 0, 1) ** 3 * 0.6),
            blink_right=blink,
            blink_left=blink,
            gaze_x=float(gaze[0]),
            gaze_y=float(gaze[1]),
        )

    def place(self, t: float, size_wh: tuple[int, int]) -> Placement:
        """Position and pose at a time in seconds, in a frame of a size."""
        wave, actor = self._wave, self._actor
        width, height = size_wh
        scale = actor.size * height / FACE_CM
        x, y = _along(actor.path, t)
        yaw = actor.sway * (9 * wave(10, t, 0.31) + 4 * wave(11, t, 0.73))
        pitch = actor.sway * (5 * wave(12, t, 0.37) + 2.5 * wave(13, t, 0.9))
        for turn in actor.turns:
            bump = _bump((t - turn.start_s) / turn.length_s)
            yaw = yaw * (1 - bump) + turn.yaw_deg * bump
            pitch = pitch * (1 - bump) + turn.pitch_deg * bump
        drift = actor.sway * scale * np.array([0.6 * wave(14, t, 0.23), 0.4 * wave(15, t, 0.41)])
        return Placement(
            x_px=float(x * width + drift[0]),
            y_px=float(y * height + drift[1] + 2.5 * scale),
            px_per_cm=float(scale * (1 + 0.02 * actor.sway * wave(16, t, 0.19))),
            yaw_deg=float(yaw),
            pitch_deg=float(pitch),
            roll_deg=float(actor.sway * (4 * wave(17, t, 0.29) + 2 * wave(18, t, 0.6))),
            lean_deg=float(actor.sway * 1.5 * wave(19, t, 0.17)),
        )

    def _wave(self, channel: int, t: float, hertz: float) -> float:
        angle = 2 * np.pi * hertz * self._tempo[channel] * t + self._phases[channel]
        return float(np.sin(angle))

    def _blink(self, t: float) -> float:
        """Closing takes 80 ms, opening 160 ms."""
        after = t - self._blinks
        closing = np.clip(1 + after / 0.08, 0, 1)
        opening = np.clip(1 - after / 0.16, 0, 1)
        return float(np.max(np.where(after < 0, closing, opening)))

    def _gaze(self, t: float) -> NDArray[np.float64]:
        index = int(np.searchsorted(self._saccades, t, side="right"))
        if index == 0:
            return np.asarray(self._gazes[0])
        blend = min((t - self._saccades[index - 1]) / 0.06, 1.0)
        return np.asarray(self._gazes[index - 1] * (1 - blend) + self._gazes[index] * blend)


def light_at(kind: LightKind, t: float) -> Light:
    """The light of a scene at a time in seconds."""
    if kind == "side":
        return Light(side=0.9, angle_deg=90 - 75 * np.cos(2 * np.pi * t / 6))
    if kind == "dim":
        level = 0.65 + 0.35 * np.cos(2 * np.pi * t / 4)
        return Light(gain_bgr=(level * 0.94, level, level))
    if kind == "flicker":
        level = 1 + 0.08 * np.sin(2 * np.pi * 7.3 * t) + 0.05 * np.sin(2 * np.pi * 3.1 * t)
        return Light(gain_bgr=(level * (1 + 0.04 * np.sin(9 * t)), level, level))
    return Light()


def _along(path: tuple[tuple[float, float, float], ...], t: float) -> tuple[float, float]:
    """Position on a path, slowing down at each keyframe."""
    times = np.array([point[0] for point in path])
    index = int(np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(path) - 1))
    if index == len(path) - 1 or t <= times[0]:
        return path[index][1], path[index][2]
    a, b = path[index], path[index + 1]
    u = (t - a[0]) / max(b[0] - a[0], 1e-9)
    u = u * u * (3 - 2 * u)
    return a[1] + (b[1] - a[1]) * u, a[2] + (b[2] - a[2]) * u


def _bump(u: float) -> float:
    """0 outside 0..1, 1 in the middle half, smooth between."""
    rise = np.clip(min(u, 1 - u) / 0.3, 0, 1)
    return float(rise * rise * (3 - 2 * rise))
