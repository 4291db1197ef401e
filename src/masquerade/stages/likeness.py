"""What is known of one followed person, gathered over a few looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.face import Attributes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.settings import Settings

__all__ = [
    "LOOKS",
    "Likeness",
    "fit_filters",
    "fit_person",
    "has_filters",
    "picks_alike",
    "unit_of",
]

LOOKS = 3
"""Looks after which a judgement is final enough to turn a face down."""

_LOOK_FRAMES = (0, 4, 10)
_LOOK_AGAIN_FRAMES = 30
_SLACK_COSINE, _SLACK_YEARS, _SLACK_MALE = 0.12, 4.0, 0.12


@dataclass(slots=True)
class Likeness:
    """The mean of the embedder's looks at one track.

    Attributes:
        looks: how many there were.
        attributes: their mean; None before the first.
    """

    looks: int = 0
    attributes: Attributes | None = None
    _frames: int = 0
    _next: int = 0
    _sum: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1026))

    def is_due(self, *, go_on: bool) -> bool:
        """Count one frame, and say whether the face should be looked at in it.

        Args:
            go_on: look again every 30 frames after the first three looks, for faces that are
                still turned down: they may have been seen from the side only.
        """
        now, self._frames = self._frames, self._frames + 1
        return now >= self._next and (go_on or self.looks < LOOKS)

    def add(self, attributes: Attributes, size_px: float) -> None:
        """Take one look into the mean; a large face says more than a small one."""
        weight = min(size_px, 200.0)
        values = [*attributes.embedding_unit, attributes.age, attributes.male]
        if self.attributes is None:
            self._sum = np.zeros(len(values) + 1)
        self._sum += weight * np.array([*values, 1.0])
        self.looks += 1
        later = self.looks < len(_LOOK_FRAMES)
        self._next = _LOOK_FRAMES[self.looks] if later else self._frames + _LOOK_AGAIN_FRAMES
        mean = self._sum[:-1] / self._sum[-1]
        unit = mean[:-2] / max(float(np.linalg.norm(mean[:-2])), 1e-9)
        self.attributes = Attributes(unit.astype(np.float32), float(mean[-2]), float(mean[-1]))


def fit_person(known: Attributes, wanted: NDArray[np.float32], threshold: float) -> float:
    """How well a face fits a person.

    Args:
        known: what was seen of the face.
        wanted: L2-normalised embedding of the person.
        threshold: cosine from which it counts as that person.

    Returns:
        From 0 up it is the person; below -1 surely not; between, more looks are needed.
    """
    return (float(known.embedding_unit @ wanted) - threshold) / _SLACK_COSINE


def fit_filters(known: Attributes, settings: Settings) -> float:
    """How well a face fits the filters by age and gender, on the scale of :func:`fit_person`.

    Without a filter everybody fits infinitely well.
    """
    fits = [np.inf]
    if settings.age_min > 0:
        fits.append((known.age - settings.age_min) / _SLACK_YEARS)
    if settings.age_max < 100:
        fits.append((settings.age_max - known.age) / _SLACK_YEARS)
    if settings.gender != "any":
        male = known.male if settings.gender == "male" else 1.0 - known.male
        fits.append((male - 0.5) / _SLACK_MALE)
    return float(min(fits))


def has_filters(settings: Settings) -> bool:
    """Whether somebody may be turned down by age or gender."""
    return settings.age_min > 0 or settings.age_max < 100 or settings.gender != "any"


def picks_alike(one: Settings, other: Settings) -> bool:
    """Whether the same faces are selected by both."""
    names = ("many_faces", "face_order", "face_index", "age_min", "age_max", "gender")
    return all(
        getattr(one, name) == getattr(other, name) for name in (*names, "reference_threshold")
    )


def unit_of(reference: Attributes | NDArray[np.float32]) -> NDArray[np.float32]:
    """The embedding of a reference, float32 (1024,), L2-normalised."""
    if isinstance(reference, Attributes):
        return reference.embedding_unit
    values = np.asarray(reference, np.float32).reshape(-1)
    return values / np.float32(max(float(np.linalg.norm(values)), 1e-9))
