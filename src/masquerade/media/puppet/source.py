"""A video that draws itself: puppets on a stage, with everything about them known."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import SettingsError
from masquerade.core.frame import Frame
from masquerade.core.lifetimes import Closing
from masquerade.core.protocols import SourceInfo
from masquerade.media.puppet.acting import Actor, Performance, Scene, light_at
from masquerade.media.puppet.disguise import Disguise
from masquerade.media.puppet.head import FACE_CM, Head
from masquerade.media.puppet.portrait import Portrait
from masquerade.media.puppet.props import backdrop, draw_occluder, own_background
from masquerade.media.puppet.render import Drawn, Renderer
from masquerade.media.puppet.truth import FrameTruth, HeadTruth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.media.puppet.expression import Expression
    from masquerade.media.puppet.portrait import BundledName

__all__ = ["PuppetSource"]

_VISIBLE_PART = 0.25


class PuppetSource(Closing):
    """A Source of rendered talking heads with ground truth.

    Every frame is a pure function of the arguments and its number: the same arguments give the
    same pixels, in any order.

    Args:
        scenes: a change of scene is a cut; without any, one actor talks for four seconds.
        size_wh: width and height of the frames in pixels.
        rate: frames per second.
        noise: standard deviation of the grain, in grey levels.
        seed: of movement and grain.

    Raises:
        SettingsError: no frame, or a size below 32 pixels.

    >>> source = PuppetSource([Scene(seconds=0.2)], size_wh=(160, 120))
    >>> source.info.frame_count
    5
    >>> frame, truth = source.render(3)
    >>> frame.pixels.shape, truth.heads[0].landmarks.shape
    ((120, 160, 3), (478, 3))
    """

    def __init__(
        self,
        scenes: tuple[Scene, ...] | list[Scene] = (),
        *,
        size_wh: tuple[int, int] = (640, 480),
        rate: int | Fraction = 25,
        noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        if min(size_wh) < 32:
            raise SettingsError("A puppet's frame is at least 32 pixels wide and high.")
        self._scenes = tuple(scenes) or (Scene(),)
        self._size_wh, self._rate = size_wh, Fraction(rate)
        self._noise, self._seed = noise, seed
        counts = [round(scene.seconds * self._rate) for scene in self._scenes]
        self._starts = [sum(counts[:k]) for k in range(len(counts) + 1)]
        if not self._starts[-1]:
            raise SettingsError("A puppet needs a scene of at least one frame.")
        self._backdrops: dict[int, NDArray[np.uint8]] = {}
        self._performances: dict[tuple[int, str], Performance] = {}
        self._closed = False

    @property
    def info(self) -> SourceInfo:
        """Size, rate and length."""
        count = self._starts[-1]
        return SourceInfo(self._size_wh, count, self._rate, float(count / self._rate))

    def __iter__(self) -> Iterator[Frame]:
        for frame, _ in self.pairs():
            yield frame

    def pairs(self) -> Iterator[tuple[Frame, FrameTruth]]:
        """Frames in order, each with its truth, until the end or until closed."""
        for seq in range(self._starts[-1]):
            if self._closed:
                return
            yield self.render(seq)

    def truth(self, seq: int) -> FrameTruth:
        """The truth of a frame by its number; draws the frame anew."""
        return self.render(seq)[1]

    def render(self, seq: int) -> tuple[Frame, FrameTruth]:
        """One frame by its number.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= seq < self._starts[-1]:
            raise IndexError(f"frame {seq} of {self._starts[-1]}")
        number = int(np.searchsorted(self._starts, seq, side="right")) - 1
        scene = self._scenes[number]
        t = float((seq - self._starts[number]) / self._rate)
        canvas = self._backdrop(number).copy()
        heads = [self._draw(canvas, number, actor, t) for actor in scene.actors]
        things = self._occlude(canvas, scene, t, heads)
        gain = light_at(scene.light, t).gain_bgr
        if gain != (1.0, 1.0, 1.0) or self._noise:
            canvas = self._develop(canvas, gain, seq)
        frame = Frame(canvas, seq, seq, 1 / self._rate)
        covers = [drawn.cover for drawn, _ in heads]
        truths = [
            self._head_truth(actor.name, drawn, expression, [*covers[k + 1 :], things])
            for k, (actor, (drawn, expression)) in enumerate(zip(scene.actors, heads, strict=True))
        ]
        return frame, FrameTruth(seq, number, tuple(truths))

    def close(self) -> None:
        """Stop the iteration; may be called twice."""
        self._closed = True

    def _draw(
        self, canvas: NDArray[np.uint8], number: int, actor: Actor, t: float
    ) -> tuple[Drawn, Expression]:
        key = (number, actor.name)
        if key not in self._performances:
            seconds = self._scenes[number].seconds
            self._performances[key] = Performance(actor, self._seed * 1000 + number, seconds)
        performance = self._performances[key]
        expression = performance.expression(t)
        place = performance.place(t, self._size_wh)
        light = light_at(self._scenes[number].light, t)
        return _renderer(actor.portrait, actor.identity_seed).draw(
            canvas, expression, place, light
        ), expression

    def _occlude(
        self,
        canvas: NDArray[np.uint8],
        scene: Scene,
        t: float,
        heads: list[tuple[Drawn, Expression]],
    ) -> NDArray[np.uint8]:
        """Draw the things in front; their opacity, uint8 (H, W)."""
        things = np.zeros(canvas.shape[:2], np.uint8)
        marks = {
            actor.name: drawn.landmarks
            for actor, (drawn, _) in zip(scene.actors, heads, strict=True)
        }
        for occluder in scene.occluders:
            if occluder.actor not in marks:
                raise SettingsError(
                    f"Nobody is called {occluder.actor!r}; name an actor of the scene."
                )
            points = marks[occluder.actor][:468]
            size = next(a.size for a in scene.actors if a.name == occluder.actor)
            scale = size * self._size_wh[1] / FACE_CM
            middle = points[:, :2].mean(axis=0).astype(np.float64)
            np.maximum(things, draw_occluder(canvas, occluder, t, middle, scale), out=things)
        return things

    def _develop(
        self, canvas: NDArray[np.uint8], gain_bgr: tuple[float, float, float], seq: int
    ) -> NDArray[np.uint8]:
        """Light and grain of the whole picture."""
        picture = canvas.astype(np.float32) * np.array(gain_bgr, np.float32)
        if self._noise:
            rng = np.random.default_rng([self._seed, seq])
            grain = rng.standard_normal(picture.shape, dtype=np.float32)
            picture = picture + np.float32(self._noise) * grain
        developed: NDArray[np.uint8] = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
        return developed

    def _head_truth(
        self, name: str, drawn: Drawn, expression: Expression, fronts: list[NDArray[np.uint8]]
    ) -> HeadTruth:
        mesh = drawn.landmarks[:468, :2]
        bbox = np.concatenate([mesh.min(axis=0), mesh.max(axis=0)]).astype(np.float32)
        front = np.max(fronts, axis=0)
        occlusion = np.where((drawn.face > 0) & (front > 127), np.uint8(255), np.uint8(0))
        low, high = np.maximum(bbox[:2], 0), np.minimum(bbox[2:], self._size_wh)
        inside = np.prod(np.maximum(high - low, 0)) / np.prod(np.maximum(bbox[2:] - bbox[:2], 1))
        shown = cv2.countNonZero(drawn.face)
        free = 1 - cv2.countNonZero(occlusion) / shown if shown else 0.0
        part = float(inside * free)
        yaw, pitch, roll = _angles(drawn.turn)
        return HeadTruth(
            name,
            part >= _VISIBLE_PART,
            part,
            bbox,
            drawn.landmarks,
            yaw,
            pitch,
            roll,
            expression,
            drawn.face,
            occlusion,
        )

    def _backdrop(self, number: int) -> NDArray[np.uint8]:
        if number not in self._backdrops:
            kind = self._scenes[number].background
            if isinstance(kind, str):
                self._backdrops[number] = own_background(Portrait.bundled(kind), self._size_wh)
            else:
                self._backdrops[number] = backdrop(kind, self._size_wh)
        return self._backdrops[number]


@lru_cache(maxsize=8)
def _renderer(portrait: BundledName | Portrait, identity_seed: int | None) -> Renderer:
    """Heads take a while to build and hold no state, so sources share them."""
    person = Portrait.bundled(portrait) if isinstance(portrait, str) else portrait
    person = person.framed()
    if identity_seed is None:
        return Renderer(Head(person))
    disguise = Disguise(identity_seed)
    return Renderer(Head(disguise.paint(person), disguise.reshape))


def _angles(turn: NDArray[np.float64]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation made by render.rotation."""
    yaw = np.arctan2(turn[0, 2], turn[2, 2])
    pitch = np.arcsin(np.clip(turn[1, 2], -1, 1))
    roll = -np.arctan2(turn[1, 0], turn[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
