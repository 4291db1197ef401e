"""Which faces are swapped, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from masquerade.geometry.boxes import pair_boxes
from masquerade.stages.donor_roll import NOBODY, DonorRoll
from masquerade.stages.face_order import order_faces
from masquerade.stages.likeness import (
    LOOKS,
    Likeness,
    fit_filters,
    fit_person,
    has_filters,
    picks_alike,
)
from masquerade.stages.picked_faces import PickedFaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from masquerade.core.face import Attributes, Face
    from masquerade.core.frame import FrameJob
    from masquerade.core.settings import Settings
    from masquerade.models.embedder import Embedder

__all__ = ["Select"]

_OVERTAKE_RATIO = 1.5
_OVERTAKE_FRAMES = 10


class Select:
    """Decides for every track, once, whether it is swapped and which donor it gets.

    Once selected a track stays selected, with its donor, to the end of the scene. Who is selected:

    - A donor with a reference goes to the person of that reference (an embedding) or to the track
      of that number.
    - The other donors go to the other faces: with ``many_faces`` to all of them in turn, else one
      face to each donor, picked by ``face_order`` from ``face_index`` on. Who was picked keeps the
      place until the track is forgotten. With the order ``large``, a face that is half as large
      again for ten frames takes the place over: the scene began with a bystander.
    - Faces outside the filters by age and gender are left alone.
    - A new track that looks like somebody who was selected and is out of sight is that person.
    - What was decided for a face by hand comes before all of this, in later scenes too.

    Where it takes looks at the face to know (references and filters), the first look decides for
    the time being, in the very frame in which the face appears; the mean of three looks decides
    for good. Between, doubt closes: a face that may be meant is swapped, unless another face fits
    that reference better. A face that was turned down is looked at again every 30 frames.

    Args:
        embedder: measures each track's attributes: three looks at the most, then they are kept.
        settings: ``many_faces``, ``face_order``, ``face_index``, the filters, and
            ``reference_threshold`` are read.
        donors: names of the identities, in order.
        references: by donor's name: attributes or an embedding (1024,) of the person to be
            replaced, or the number of a track.
        by_hand: by track number, the donor that the face was given; None leaves it alone.

    Raises:
        SettingsError: there is no donor, or a reference or a face names none of them.
    """

    name = "select"

    def __init__(
        self,
        embedder: Embedder,
        settings: Settings,
        donors: Iterable[str],
        references: Mapping[str, Attributes | NDArray[np.float32] | int] | None = None,
        by_hand: Mapping[int, str | None] | None = None,
    ) -> None:
        self._embedder = embedder
        self._take(settings, DonorRoll(donors, references, by_hand))
        self.reset()

    def _take(self, settings: Settings, roll: DonorRoll) -> None:
        self._settings, self._roll = settings, roll
        self._searching = bool(roll.people) or has_filters(settings)

    def reset(self) -> None:
        """Forget the stream and everybody in it."""
        self._picked = PickedFaces()
        self._seats: tuple[tuple[NDArray[np.float32], str | None], ...] = ()
        self._begin_scene(0)

    def seat(self, seats: Sequence[tuple[NDArray[np.float32], str | None]]) -> None:
        """Decide for the faces of the next frame that are at these places, to the scene's end.

        Args:
            seats: box of the face, float32 (4,) xyxy, and its donor; None leaves it alone.
        """
        self._seats = tuple(seats)

    def _begin_scene(self, scene: int) -> None:
        self._scene = scene
        self._known: dict[int, Likeness] = {}
        self._decided: dict[int, str] = {}
        self._doubtful: dict[int, str] = {}
        self._places: dict[str, int] = {}
        self._counts_anew = False
        self._overtaking: dict[int, int] = {}
        self._handed_out = 0

    def configure(
        self,
        settings: Settings,
        donors: Iterable[str],
        references: Mapping[str, Attributes | NDArray[np.float32] | int] | None = None,
        by_hand: Mapping[int, str | None] | None = None,
    ) -> None:
        """Select by these from the next frame on, without letting anybody go.

        Who is selected in this scene stays so, even where the new filters would turn the face
        down, and gets the donor of the same name, else the one in the old one's place. Only by
        hand a face is taken out, and taken back it is what it would have been. What was measured
        of the faces is kept. Arguments and errors are those of the class.
        """
        roll, earlier, before = DonorRoll(donors, references, by_hand), self._settings, self._roll
        self._take(settings, roll)
        if roll.is_like(before) and picks_alike(earlier, settings):
            return
        heir = before.heirs(roll)
        decided = {**self._doubtful, **self._decided}
        self._decided = before.handed_over(decided, self._places, roll)
        self._doubtful = {}
        self._places = {heir[donor]: track for donor, track in self._places.items()}
        if (earlier.face_order, earlier.face_index) != (settings.face_order, settings.face_index):
            self._places, self._counts_anew = {}, True

    def process(self, job: FrameJob) -> FrameJob:
        """Set ``attributes``, ``selected`` and ``donor`` of every face of the job.

        Raises:
            ModelError: the weights are missing, or the network failed.
        """
        if job.scene != self._scene:
            self._begin_scene(job.scene)
        faces = job.faces
        self._take_seats(faces)
        self._look(job.frame.pixels, faces)
        self._remember(faces)
        for_now = self._decide_by_person(faces)
        if self._roll.free:
            for_now |= self._decide_by_order(faces, job.frame.size_wh, for_now)
        self._doubtful = for_now
        for face in faces:
            face.donor = self._decided.get(face.track_id, for_now.get(face.track_id)) or None
            face.selected = face.donor is not None
        return job

    def _take_seats(self, faces: Sequence[Face]) -> None:
        seats, self._seats = self._seats, ()
        if not seats or not faces:
            return
        boxes = np.stack([face.bbox for face in faces])
        for place, face in pair_boxes(np.stack([box for box, _ in seats]), boxes):
            track, donor = faces[face].track_id, seats[place][1]
            if track not in self._decided:
                self._decided[track] = donor or NOBODY
                self._handed_out += donor in self._roll.free
            if donor in self._roll.free:
                self._places[donor] = track

    def _look(self, pixels: NDArray[np.uint8], faces: Sequence[Face]) -> None:
        """Measure the faces that are due, in one run, and hand out the means."""
        alive = {face.track_id for face in faces} | set(self._decided)
        self._known = {track: who for track, who in self._known.items() if track in alive}
        due: list[tuple[Face, NDArray[np.float32]]] = []
        for face in faces:
            known = self._known.setdefault(face.track_id, Likeness())
            go_on = self._searching and face.track_id not in self._decided
            points = face.landmarks if face.state == "measured" else None
            if known.is_due(go_on=go_on) and points is not None:
                due.append((face, points))
        meshes = [landmarks for _, landmarks in due]
        for (face, _), seen in zip(due, self._embedder.describe(pixels, meshes), strict=True):
            self._known[face.track_id].add(seen, face.size_px)
        for face in faces:
            face.attributes = self._known[face.track_id].attributes or face.attributes

    def _remember(self, faces: Sequence[Face]) -> None:
        """Decide for tracks given by number or hand, and for people who were selected before."""
        threshold = self._settings.reference_threshold
        for face in faces:
            number = self._roll.numbers.get(face.track_id)
            if face.track_id in self._roll.by_hand:
                self._decided[face.track_id] = self._roll.by_hand[face.track_id]
            elif number is not None:
                self._decided.setdefault(face.track_id, number)
        self._picked.watch(faces, self._roll.by_hand)
        in_sight = {face.track_id for face in faces if face.state != "lost"}
        away = [track for track in self._decided if track not in in_sight]
        for face in faces:
            if face.track_id in self._decided or face.attributes is None:
                continue
            picked = self._picked.donor_of(face.attributes, self._roll.by_hand, threshold)
            if picked is not None:
                self._decided[face.track_id] = picked
                continue
            for track in away:
                if self._is_same(face.attributes, track, threshold):
                    self._take_over(track, face.track_id)
                    break

    def _is_same(self, seen: Attributes, track: int, threshold: float) -> bool:
        who = self._known[track].attributes if track in self._known else None
        return who is not None and fit_person(seen, who.embedding_unit, threshold) >= 0.0

    def _take_over(self, old: int, new: int) -> None:
        """Give the donor of one track to another one; the old one keeps it too."""
        donor = self._decided[new] = self._decided[old]
        if self._places.get(donor) == old:
            self._places[donor] = new

    def _decide_by_person(self, faces: Sequence[Face]) -> dict[int, str]:
        """Decide who fits a reference; returns whom each donor goes to for the time being."""
        for_now: dict[int, str] = {}
        for donor, wanted in self._roll.people.items():
            open_faces = [f for f in faces if f.track_id not in {*self._decided, *for_now}]
            fits = [(self._fit(face, wanted), face.track_id) for face in open_faces]
            taken = any(self._decided.get(face.track_id) == donor for face in faces)
            for fit, track in sorted(fits, reverse=True):
                if self._is_final(track, fit):
                    self._decided[track] = donor
                    taken = True
                elif self._is_possible(track, fit) and not taken:
                    for_now[track] = donor
                    taken = True
        return for_now

    def _decide_by_order(
        self, faces: Sequence[Face], size_wh: tuple[int, int], for_now: Mapping[int, str]
    ) -> dict[int, str]:
        """Give the donors without a reference to faces; returns what holds for the time being."""
        open_faces = [
            face
            for face in faces
            if face.track_id not in self._decided
            and face.track_id not in for_now
            and face.state != "lost"
            and self._is_possible(face.track_id, self._fit(face))
        ]
        ranked = order_faces(open_faces, self._settings.face_order, size_wh)
        if self._settings.many_faces:
            return self._hand_out(ranked)
        if self._counts_anew:
            self._count_anew(faces, size_wh)
        self._overtake(ranked, faces)
        present = {face.track_id for face in faces}
        vacant = [donor for donor in self._roll.free if self._places.get(donor) not in present]
        undecided = [face for face in ranked if face.track_id not in self._decided]
        picked = zip(vacant, undecided[self._settings.face_index :], strict=False)
        doubtful: dict[int, str] = {}
        for donor, face in picked:
            if self._is_final(face.track_id, self._fit(face)):
                self._decided[face.track_id] = donor
                self._places[donor] = face.track_id
            else:
                doubtful[face.track_id] = donor
        return doubtful

    def _count_anew(self, faces: Sequence[Face], size_wh: tuple[int, int]) -> None:
        """The order or the index has changed: who is picked by it now takes the places."""
        self._counts_anew = False
        seen = [face for face in faces if face.state != "lost"]
        ranked = order_faces(
            [face for face in seen if self._is_possible(face.track_id, self._fit(face))],
            self._settings.face_order,
            size_wh,
        )
        picked = ranked[self._settings.face_index :]
        for donor, face in zip(self._roll.free, picked, strict=False):
            self._places[self._decided.setdefault(face.track_id, donor)] = face.track_id

    def _hand_out(self, ranked: Sequence[Face]) -> dict[int, str]:
        doubtful: dict[int, str] = {}
        for face in ranked:
            donor = self._roll.free[self._handed_out % len(self._roll.free)]
            if self._is_final(face.track_id, self._fit(face)):
                self._decided[face.track_id] = donor
                self._handed_out += 1
            else:
                doubtful[face.track_id] = donor
        return doubtful

    def _overtake(self, ranked: Sequence[Face], faces: Sequence[Face]) -> None:
        """Let a face that has become much larger take the place of the smallest picked one."""
        if self._settings.face_order != "large" or self._settings.face_index:
            return
        holders = [f for f in faces if f.track_id in self._places.values() and f.state != "lost"]
        if len(holders) < len(self._roll.free):
            return
        smallest = min(holders, key=lambda face: face.size_px)
        ahead = [f.track_id for f in ranked if f.size_px > _OVERTAKE_RATIO * smallest.size_px]
        self._overtaking = {track: self._overtaking.get(track, 0) + 1 for track in ahead}
        for track in ahead[:1]:
            if self._overtaking[track] >= _OVERTAKE_FRAMES:
                self._take_over(smallest.track_id, track)

    def _fit(self, face: Face, wanted: NDArray[np.float32] | None = None) -> float:
        """From 0 up the face is meant, below -1 it is not; see :func:`fit_person`."""
        if wanted is None and not self._searching:
            return np.inf
        known = self._known[face.track_id].attributes
        if known is None:
            return -np.inf
        fit = fit_filters(known, self._settings)
        if wanted is None:
            return fit
        return min(fit, fit_person(known, wanted, self._settings.reference_threshold))

    def _is_final(self, track: int, fit: float) -> bool:
        return fit >= 1.0 or (fit >= 0.0 and self._known[track].looks >= LOOKS)

    def _is_possible(self, track: int, fit: float) -> bool:
        return fit >= 0.0 or (fit > -1.0 and self._known[track].looks < LOOKS)
