"""Which faces are locked, told by the strongest recogniser that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from masquerade.core.errors import ConsentError, LicenceError
from masquerade.core.execution import Execution
from masquerade.geometry.templates import kps_from_landmarks
from masquerade.models.arcface import ArcFace
from masquerade.models.library import Library
from masquerade.models.opening import open_as
from masquerade.stages.identity import Identity
from masquerade.trust.deny_list import DenyList, LockedFace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.face import Face
    from masquerade.stages.enroll import Photo

__all__ = ["BUILT_IN", "RECOGNISERS", "LockedFaces", "Recogniser", "lock_face", "recogniser_here"]


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A network that tells whether two pictures show one person.

    Attributes:
        name: of the model, ``faceres`` for the built-in one.
        threshold: cosine of two embeddings from which they are taken for one person.
    """

    name: str
    threshold: float


BUILT_IN = Recogniser("faceres", 0.58)
"""Weak; docs/trust.md says what it misses."""
RECOGNISERS = (
    Recogniser("glintr100", 0.35),
    Recogniser("w600k_r50", 0.35),
    Recogniser("w600k_mbf", 0.38),
)
"""Models that recognise better, the strongest first."""


class LockedFaces:
    """Compares faces with the locked ones. Nothing is opened where none is locked.

    Args:
        faces: the locked ones; those of this installation by default.
        library: where recognisers are installed.

    Attributes:
        recogniser: the one that decides.

    Raises:
        ConsentError: the list is damaged.
        ModelError: the strongest recogniser that is installed is damaged.
    """

    def __init__(
        self, faces: Sequence[LockedFace] | None = None, library: Library | None = None
    ) -> None:
        self._faces = DenyList().all() if faces is None else tuple(faces)
        self.recogniser, self._network = BUILT_IN, None
        if self._faces:
            self.recogniser, self._network = _strongest(library or Library())
        self._units = [self._locked_unit(face) for face in self._faces]

    @classmethod
    def with_those_here(cls, others: Sequence[LockedFace]) -> LockedFaces:
        """Compares with the faces of this installation and with some others; raises as above."""
        return cls((*DenyList().all(), *others))

    def __len__(self) -> int:
        return len(self._faces)

    def like_identity(self, identity: Identity) -> LockedFace | None:
        """The locked face that a donor shows, in any of its photos.

        Raises:
            ModelError: the network failed.
        """
        if not self._faces:
            return None
        if self._network is None or not identity.portraits:
            return self._nearest([identity.attributes.embedding_unit], built_in=True)
        network = self._network
        return self._nearest([_unit(network.embed(p.pixels, p.kps)) for p in identity.portraits])

    def like_face(self, pixels_bgr: NDArray[np.uint8], face: Face) -> LockedFace | None:
        """The locked face that a face of a frame shows.

        Args:
            pixels_bgr: uint8 (H, W, 3).
            face: with landmarks and attributes.

        Raises:
            ModelError: the network failed.
        """
        if not self._faces or face.landmarks is None or face.attributes is None:
            return None
        if self._network is None:
            return self._nearest([face.attributes.embedding_unit], built_in=True)
        kps = kps_from_landmarks(face.landmarks)
        return self._nearest([_unit(self._network.embed(pixels_bgr, kps))])

    def _nearest(
        self, units: Sequence[NDArray[np.float32]], *, built_in: bool = False
    ) -> LockedFace | None:
        known = [face.embedding_unit for face in self._faces] if built_in else self._units
        cosines = (np.stack(known) @ np.stack(units).T).max(axis=1)
        best = int(np.argmax(cosines))
        threshold = (BUILT_IN if built_in else self.recogniser).threshold
        return self._faces[best] if cosines[best] >= threshold else None

    def _locked_unit(self, face: LockedFace) -> NDArray[np.float32]:
        if self._network is None:
            return face.embedding_unit
        picture = cv2.imdecode(np.frombuffer(face.portrait, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise ConsentError(
                f"The locked face {face.name} is damaged, so nothing is swapped; remove it with "
                f"`masquerade lock remove {face.id}` and lock it again."
            )
        return _unit(self._network.embed(np.asarray(picture, np.uint8), face.kps))


def lock_face(photo: Photo, name: str, deny_list: DenyList | None = None) -> LockedFace:
    """Lock the face that a photo shows.

    Raises:
        NoFaceInDonorError: it shows none.
        InputError: it is missing or no picture.
        ConsentError: the list is damaged.
        OutputError: the list cannot be written.
    """
    identity = Identity.from_photos(photo, name)
    portrait = identity.portraits[0]
    _, png = cv2.imencode(".png", portrait.pixels)
    unit = identity.attributes.embedding_unit
    return (deny_list or DenyList()).add(name, unit, png.tobytes(), portrait.kps)


def recogniser_here(library: Library | None = None) -> tuple[str, ...]:
    """The model that decides on this installation, by name; none is the built-in one."""
    library = library or Library()
    installed = [one.name for one in RECOGNISERS if library.find(one.name) is not None]
    return tuple(installed[:1])


def _strongest(library: Library) -> tuple[Recogniser, ArcFace | None]:
    for recogniser in RECOGNISERS:
        if library.find(recogniser.name) is None:
            continue
        try:
            return recogniser, open_as(ArcFace, recogniser.name, Execution(), library)
        except LicenceError:
            continue  # whoever has not accepted its licence may not run it
    return BUILT_IN, None


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-9))
