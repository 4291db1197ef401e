"""From donor photos to an identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masquerade.core.errors import InputError
from masquerade.core.face import Attributes
from masquerade.media.image import read_image
from masquerade.models.embedder import Embedder
from masquerade.stages.blend import Blend, View, blend
from masquerade.stages.clean import find_skin, skin_model
from masquerade.stages.donor_face import DonorFace, FaceFinder
from masquerade.stages.fill import (
    clear_lenses,
    coverage_of,
    fill_skin,
    hidden_eyes,
    whole_eyes,
)
from masquerade.stages.identity import Identity
from masquerade.stages.neutral import expression_of, neutral_shape, pose_of, turn_degrees
from masquerade.stages.portrait import MAX_PORTRAITS, Portrait
from masquerade.stages.quality import assess
from masquerade.stages.regions import MESH_COUNT, mirror_index
from masquerade.stages.teeth import teeth_shown
from masquerade.stages.tint import calm_colour, even_light, warm_shadows
from masquerade.stages.unwrap import iris_to_uv, unwrap

if TYPE_CHECKING:
    from masquerade.stages.clean import Skin

__all__ = ["LEAST_STEADY", "UNSURE", "Enroller", "Photo"]

Photo = str | PathLike[str] | NDArray[np.uint8]
"""A path, or a picture as uint8 (H, W, 3) BGR."""

_EVEN_LIGHT, _WARM_SHADOWS = 0.5, 0.9
UNSURE = "The face could be measured only roughly; choose a photo that looks into the camera."
"""Said of photos of which no better one is at hand."""
LEAST_STEADY = 0.2
"""``DonorFace.steady`` below which a photo counts only where there is no better one."""
_SAME_PERSON = 0.45
"""Cosine of two embeddings below which two photos hardly show one person."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One photo, worked out."""

    face: DonorFace
    view: View
    skin: Skin
    attributes: Attributes
    weight: float
    label: str


class Enroller:
    """Makes identities. Networks are loaded at the first use and shared by all enrolments.

    Args:
        threads: threads of the networks; 0 chooses by the machine.
    """

    def __init__(self, threads: int = 0) -> None:
        self._finder = FaceFinder(threads)
        self._embedder = Embedder(threads)

    def enroll(
        self,
        photos: Photo | Sequence[Photo],
        name: str | None = None,
        *,
        face_index: int | None = None,
    ) -> Identity:
        """A donor from photos; see Identity.from_photos for arguments and errors."""
        listed: list[Photo] = (
            [photos] if isinstance(photos, str | PathLike | np.ndarray) else [*photos]
        )
        if not 1 <= len(listed) <= MAX_PORTRAITS:
            raise InputError(f"Give one to {MAX_PORTRAITS} donor photos, not {len(listed)}.")
        looks = [
            self._look(photo, _label(photo, number, len(listed)), face_index)
            for number, photo in enumerate(listed)
        ]
        advice = _advice(looks)
        looks = _measured(looks)
        mixed = blend([look.view for look in looks])
        texture, coverage = _finish(mixed, looks[0].skin if len(looks) == 1 else None)
        return Identity(
            name=name or _name(listed[0]),
            mesh=_mean_shape(looks),
            texture=texture,
            coverage=coverage,
            iris=_irises(looks, mixed),
            teeth=teeth_shown(looks[mixed.mouth].face.pixels, looks[mixed.mouth].face.points),
            attributes=_mean_attributes(looks),
            photos=len(looks),
            advice=advice,
            portraits=_portraits(looks),
        )

    def _look(self, photo: Photo, label: str, face_index: int | None) -> _Look:
        face = self._finder.find(_pixels(photo), label, face_index)
        flat = unwrap(face.pixels, face.points)
        skin = find_skin(flat.texture, flat.seen)
        gap_cm, smile = expression_of(face.points)
        calm = float(np.clip(1 - 0.5 * gap_cm - 0.4 * smile, 0.1, 1))
        texture = calm_colour(flat.texture, flat.density)
        if skin.lenses.any():
            texture = clear_lenses(texture, skin.trust, skin.model, skin.lenses)
        yaw, pitch = turn_degrees(pose_of(face.points))
        frontal = np.cos(np.radians(min(90, 1.5 * abs(yaw)))) * np.cos(np.radians(pitch))
        rank = float((0.05 + 0.95 * frontal**2) * calm * (0.02 + 0.98 * face.steady))
        view = View(texture, whole_eyes(skin.trust), flat.density, rank)
        weight = rank * float(np.mean(flat.density * skin.trust))
        attributes = self._embedder.describe(face.pixels, [face.points])[0]
        return _Look(face, view, skin, attributes, weight, label)


def _measured(looks: list[_Look]) -> list[_Look]:
    """Those whose mesh is no guess; all of them where every one is."""
    return [look for look in looks if look.face.steady >= LEAST_STEADY] or looks


def _finish(mixed: Blend, skin: Skin | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    model = skin.model if skin else skin_model(mixed.texture, mixed.trust)
    painted = fill_skin(mixed.texture, mixed.trust, model)
    painted = warm_shadows(painted, _WARM_SHADOWS)
    return even_light(painted, _EVEN_LIGHT), coverage_of(mixed.trust)


def _mean_shape(looks: Sequence[_Look]) -> NDArray[np.float32]:
    """Weighted mean of the neutral shapes; from three photos on, of those nearest the median."""
    shapes = np.stack([neutral_shape(look.face.points) for look in looks])
    weights = np.array([look.weight for look in looks])[:, None, None]
    if len(looks) > 2:
        off = np.abs(shapes - np.median(shapes, axis=0))
        weights = weights / (1 + (off / 0.15) ** 2)
    return np.asarray((shapes * weights).sum(0) / weights.sum(0), np.float32)


def _mean_attributes(looks: Sequence[_Look]) -> Attributes:
    weights = np.array([look.weight for look in looks])
    weights = weights / weights.sum()
    unit = weights @ np.stack([look.attributes.embedding_unit for look in looks])
    return Attributes(
        (unit / (np.linalg.norm(unit) + 1e-9)).astype(np.float32),
        float(weights @ [look.attributes.age for look in looks]),
        float(weights @ [look.attributes.male for look in looks]),
    )


def _portraits(looks: Sequence[_Look]) -> tuple[Portrait, ...]:
    """One of each photo, the best first."""
    total = sum(look.weight for look in looks)
    return tuple(
        Portrait.cut(look.face.pixels, look.face.points, look.weight / total)
        for look in sorted(looks, key=lambda look: -look.weight)
    )


def _irises(looks: Sequence[_Look], mixed: Blend) -> NDArray[np.float32]:
    """Each iris from the photo that its eye is from; of an eye painted by the other, mirrored."""
    left, right = (iris_to_uv(looks[number].face.points) for number in mixed.eyes)
    both = np.concatenate([left[:5], right[5:]])
    other = both[mirror_index()[-10:] - MESH_COUNT] * [-1, 1] + [1, 0]
    hidden = np.repeat(hidden_eyes(mixed.trust), 5)
    return np.where(hidden[:, None], other, both).astype(np.float32)


def _advice(looks: Sequence[_Look]) -> tuple[str, ...]:
    lead = max(looks, key=lambda look: look.weight)
    sentences = []
    for look in looks:
        likeness = float(look.attributes.embedding_unit @ lead.attributes.embedding_unit)
        if likeness < _SAME_PERSON:
            sentences.append(f"{look.label} seems to show another person; check it.")
    yaws = [turn_degrees(pose_of(look.face.points))[0] for look in looks]
    all_sides = min(yaws) < 10 and max(yaws) > -10 and len(looks) > 1
    sentences += [look.face.note for look in looks if look.face.note]
    for look in looks:
        face = look.face
        reasons = assess(face.pixels, face.points, look.skin, pose=not all_sides).reasons
        if look.face.steady < 0.5:
            reasons = (UNSURE, *reasons)
        prefix = f"{look.label}: " if len(looks) > 1 else ""
        sentences += [prefix + reason for reason in reasons]
    return tuple(sentences)


def _pixels(photo: Photo) -> NDArray[np.uint8]:
    if not isinstance(photo, np.ndarray):
        return read_image(Path(photo)).pixels
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
        raise InputError("A donor picture must be uint8 of shape (height, width, 3) in BGR order.")
    return np.ascontiguousarray(photo)


def _label(photo: Photo, number: int, count: int) -> str:
    if isinstance(photo, np.ndarray):
        return f"Photo {number + 1}" if count > 1 else "The donor photo"
    return Path(photo).name


def _name(photo: Photo) -> str:
    return "donor" if isinstance(photo, np.ndarray) else Path(photo).stem or "donor"
