"""The donor as data: a shape and a texture that any target can be drawn with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import InputError
from masquerade.stages.portrait import MAX_PORTRAITS
from masquerade.stages.regions import ATLAS_PX, MESH_COUNT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from masquerade.core.face import Attributes
    from masquerade.stages.enroll import Enroller, Photo
    from masquerade.stages.portrait import Portrait

__all__ = ["Identity"]

_MAX_NAME = 255


@dataclass(frozen=True, eq=False)
class Identity:
    """A donor's face. Arrays are read-only.

    Attributes:
        name: how the donor is called in messages and maps.
        mesh: float32 (468, 3), the donor's own shape without expression, cm in the frame of
            CANONICAL.pos (x to the image's right, y up, z towards the camera).
        texture: uint8 (1024, 1024, 3) BGR, the face laid out by CANONICAL.uv: the centre of texel
            (x, y) has u = (x + 0.5) / 1024 and v = (y + 0.5) / 1024, forehead at the top. Eyes
            and mouth are the photo's own; hair, glasses and background are painted over with skin.
        coverage: uint8 (1024, 1024): how far a texel is to be trusted as the donor's: 255 seen or
            well filled, 0 nothing known.
        iris: float32 (10, 2), u and v of the landmarks 468..477 as ``texture`` shows them.
        teeth: 0..1, how far the texture's mouth is open and shows teeth.
        attributes: embedding, age and gender.
        photos: number of photos it was made from.
        advice: sentences on what a better photo would have, the weightiest first.
        portraits: the photos' faces for networks that embed the donor themselves, the best
            first; empty where it was saved before there were any.
    """

    name: str
    mesh: NDArray[np.float32]
    texture: NDArray[np.uint8]
    coverage: NDArray[np.uint8]
    iris: NDArray[np.float32]
    teeth: float
    attributes: Attributes
    photos: int = 1
    advice: tuple[str, ...] = ()
    portraits: tuple[Portrait, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= _MAX_NAME:
            raise InputError(f"An identity's name has 1 to {_MAX_NAME} characters; shorten it.")
        if len(self.portraits) > MAX_PORTRAITS:
            raise InputError(f"An identity has at most {MAX_PORTRAITS} portraits; leave some out.")
        _check("mesh", self.mesh, (MESH_COUNT, 3), np.float32, 100.0)
        _check("texture", self.texture, (ATLAS_PX, ATLAS_PX, 3), np.uint8, 255)
        _check("coverage", self.coverage, (ATLAS_PX, ATLAS_PX), np.uint8, 255)
        _check("iris", self.iris, (10, 2), np.float32, 2.0)
        _check("embedding", self.attributes.embedding_unit, (1024,), np.float32, 1.001)
        for array in (self.mesh, self.texture, self.coverage, self.iris):
            array.setflags(write=False)

    @staticmethod
    def from_photos(
        photos: Photo | Sequence[Photo],
        name: str | None = None,
        *,
        face_index: int | None = None,
        enroller: Enroller | None = None,
    ) -> Identity:
        """Enrol a donor from one photo, or better, from several of the same person.

        Args:
            photos: paths, or pictures as uint8 (H, W, 3) BGR; at most 16.
            name: by default the first file's name without its ending, else 'donor'.
            face_index: which face of each photo, 0 the largest; by default the largest, and
                ``advice`` says so where there are others.
            enroller: networks to share with others; a new one by default.

        Raises:
            NoFaceInDonorError: a photo shows no face, or fewer than ``face_index`` asks for.
            InputError: a file is missing, damaged or no picture.
        """
        from masquerade.stages.enroll import Enroller

        return (enroller or Enroller()).enroll(photos, name, face_index=face_index)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of shape and texture, hexadecimal; name, advice and portraits do not count."""
        digest = hashlib.sha256(b"masquerade identity 1")
        for array in (self.mesh, self.texture, self.coverage, self.iris):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, path: str | PathLike[str]) -> None:
        """Write one file, whole or not at all; an existing one is replaced.

        Raises:
            OutputError: the folder cannot be written.
        """
        from masquerade.stages.identity_file import write_identity

        write_identity(self, path)

    @staticmethod
    def load(path: str | PathLike[str]) -> Identity:
        """Read what :meth:`save` wrote. The file is not trusted: nothing in it is executed.

        Raises:
            MissingInputError: there is no such file.
            InputError: it is no identity, is damaged, or is of a newer version.
        """
        from masquerade.stages.identity_file import read_identity

        return read_identity(path)


def _check(
    field: str, array: object, shape: tuple[int, ...], dtype: type[np.generic], limit: float
) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
        raise InputError(f"The identity's {field} must be {dtype.__name__} of shape {shape}.")
    if not bool(np.all(np.abs(array.astype(np.float32, copy=False)) <= limit)):
        raise InputError(f"The identity's {field} holds values out of range; enrol it anew.")
