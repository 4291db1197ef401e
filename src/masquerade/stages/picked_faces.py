"""Faces that somebody gave a donor by hand, known again by their looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.stages.likeness import fit_person

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from masquerade.core.face import Attributes, Face

__all__ = ["PickedFaces"]


class PickedFaces:
    """Remembers what was decided by hand beyond the end of a scene, where tracks end."""

    def __init__(self) -> None:
        self._looks: dict[int, Attributes] = {}

    def watch(self, faces: Sequence[Face], by_hand: Container[int]) -> None:
        """Take note of the looks of those that were decided for."""
        for face in faces:
            if face.track_id in by_hand and face.attributes is not None:
                self._looks[face.track_id] = face.attributes

    def donor_of(
        self, seen: Attributes, by_hand: Mapping[int, str], threshold: float
    ) -> str | None:
        """What was decided for whoever looks like this; None where that is nobody.

        Where it was decided twice for one person, the later decision holds.

        Args:
            seen: of a face under a new number.
            by_hand: what was decided, by track number, the latest last.
            threshold: cosine from which two faces are one person.
        """
        known = {track: looks for track, looks in self._looks.items() if track in by_hand}
        fits = {
            track: fit_person(seen, looks.embedding_unit, threshold)
            for track, looks in known.items()
        }
        best = max(fits, key=lambda track: fits[track], default=None)
        if best is None or fits[best] < 0.0:
            return None
        person = known[best].embedding_unit
        same = [t for t in by_hand if t in known and fit_person(known[t], person, threshold) >= 0.0]
        return by_hand[(same or [best])[-1]]
