"""Faces that their owners have locked: on this installation nobody draws with them or on them."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import ConsentError, OutputError
from masquerade.core.folders import data_folder
from masquerade.core.whole_file import write_whole
from masquerade.trust.file_lock import file_lock

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DenyList", "LockedFace"]

_VERSION = 1
_FILE, _LOCK = "locks.json", "locks.lock"
_EMBEDDING, _KPS = (1024,), (5, 2)
_LONGEST_NAME = 100


@dataclass(frozen=True, eq=False, slots=True)
class LockedFace:
    """A face that must not be used.

    Attributes:
        id: 8 hexadecimal digits.
        name: what its owner called it.
        locked_at: ISO 8601, UTC.
        embedding_unit: float32 (1024,), L2-normalised, of the built-in recogniser.
        portrait: PNG of the face, 512 pixels squared, for recognisers that are installed later.
        kps: float32 (5, 2), the five points in the portrait.
    """

    id: str
    name: str
    locked_at: str
    embedding_unit: NDArray[np.float32]
    portrait: bytes
    kps: NDArray[np.float32]


class DenyList:
    """The locked faces of one installation, in one file readable by its owner alone (0600).

    Args:
        folder: where the file is, :func:`data_folder` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or data_folder()

    @property
    def path(self) -> Path:
        """The list's file; it appears with the first face."""
        return self._folder / _FILE

    def all(self) -> tuple[LockedFace, ...]:
        """Every locked face, the oldest first.

        Raises:
            ConsentError: the list is damaged. Nothing may be swapped then.
        """
        text = self._text()
        if text is None:
            return ()
        try:
            return _faces(text)
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
            raise self._damaged() from error

    def words(self) -> str:
        """The list as text, for :meth:`of_words` on another machine; empty where there is none.

        Raises:
            ConsentError: the list is damaged.
        """
        return (self._text() or "") if self.all() else ""

    @staticmethod
    def of_words(text: str) -> tuple[LockedFace, ...]:
        """What :meth:`words` said.

        Raises:
            ConsentError: it is no list of locked faces.
        """
        try:
            return _faces(text) if text else ()
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
            raise ConsentError(
                "The locked faces that came from another machine cannot be read, so nothing is "
                "swapped; install the same version on both."
            ) from error

    def add(
        self,
        name: str,
        embedding_unit: NDArray[np.float32],
        portrait: bytes,
        kps: NDArray[np.float32],
    ) -> LockedFace:
        """Lock a face; see :class:`LockedFace` for the arguments.

        Raises:
            ConsentError: the list is damaged; it is left as it is.
            OutputError: it cannot be written.
        """
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        short = name[:_LONGEST_NAME] or "face"
        face = LockedFace(secrets.token_hex(4), short, moment, embedding_unit, portrait, kps)
        with self._changing() as faces:
            faces.append(face)
        return face

    def remove(self, face_id: str) -> bool:
        """Unlock a face; False where there is none of this id.

        Raises:
            ConsentError: the list is damaged; it is left as it is.
            OutputError: it cannot be written.
        """
        with self._changing() as faces:
            left = [face for face in faces if face.id != face_id]
            removed = len(left) < len(faces)
            faces[:] = left
        return removed

    def _text(self) -> str | None:
        """What the file says; None where no face was ever locked."""
        try:
            return self.path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged() from error

    def _damaged(self) -> ConsentError:
        return ConsentError(
            f"The list of locked faces {self.path} cannot be read, so nothing is swapped; mend it, "
            "or move it away and lock the faces again."
        )

    @contextmanager
    def _changing(self) -> Iterator[list[LockedFace]]:
        try:
            with file_lock(self._folder / _LOCK):
                faces = list(self.all())
                yield faces
                self._replace(faces)
        except (ConsentError, OutputError):
            raise
        except OSError as error:
            raise OutputError(
                f"The list of locked faces in {self._folder} cannot be written ({error.strerror}); "
                "set MASQUERADE_HOME to a folder of yours."
            ) from error

    def _replace(self, faces: list[LockedFace]) -> None:
        document = {"version": _VERSION, "faces": [_plain(face) for face in faces]}
        write_whole(self.path, json.dumps(document, indent=1, ensure_ascii=False))


def _faces(text: str) -> tuple[LockedFace, ...]:
    document = json.loads(text)
    if document["version"] != _VERSION:
        raise ValueError("another version")
    return tuple(_parse(entry) for entry in document["faces"])


def _plain(face: LockedFace) -> dict[str, Any]:
    return {
        "id": face.id,
        "name": face.name,
        "locked_at": face.locked_at,
        "embedding": _text(face.embedding_unit),
        "portrait": base64.b64encode(face.portrait).decode("ascii"),
        "kps": _text(face.kps),
    }


def _parse(entry: dict[str, Any]) -> LockedFace:
    face = LockedFace(
        entry["id"],
        entry["name"],
        entry["locked_at"],
        _array(entry["embedding"], _EMBEDDING),
        base64.b64decode(entry["portrait"], validate=True),
        _array(entry["kps"], _KPS),
    )
    if not all(isinstance(text, str) for text in (face.id, face.name, face.locked_at)):
        raise ValueError("not a locked face")
    return face


def _text(values: NDArray[np.float32]) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode("ascii")


def _array(text: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    values = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if values.size != np.prod(shape) or not np.isfinite(values).all():
        raise ValueError("not of that shape")
    return values.reshape(shape)
