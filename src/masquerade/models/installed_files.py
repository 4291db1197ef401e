"""What lies in a model's folder: each file with its hash, its origin, and why it is trusted.

Kept in ``MODEL/installed.json`` beside the files, so that a folder of models can be copied to
another machine as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from masquerade.core.errors import ModelError
from masquerade.models.kept_document import changing, read_document

__all__ = ["InstalledFile", "Trust", "add_file", "read_files"]

_RECORD = "installed.json"
_VERSION = 1

Trust = Literal["publisher", "reported", "first use", "user", "made here"]
"""Why a hash is believed: the publisher states it; others reported it; it was there first and
nothing was known; the user brought the file; this machine made it."""


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """One file of a model on this machine.

    Attributes:
        name: of the file in the model's folder.
        sha256: of its bytes when it came.
        size_bytes: its length.
        precision: of its weights.
        origin: where it came from.
        trust: why its hash is believed.
        installed_at: when it came, ISO 8601 UTC.
    """

    name: str
    sha256: str
    size_bytes: int
    precision: str
    origin: str
    trust: Trust
    installed_at: str

    @property
    def published(self) -> bool:
        """Whether somebody published it, as opposed to a variant that was made here."""
        return self.trust != "made here"


def read_files(folder: Path) -> tuple[InstalledFile, ...]:
    """Files of a model that are there, in the order in which they came.

    Raises:
        ModelError: the record is damaged.
    """
    try:
        document = read_document(folder / _RECORD)
        if document.get("version", _VERSION) != _VERSION:
            raise ValueError("another version")
        files = [_parse(entry) for entry in document.get("files", [])]
    except (ValueError, TypeError, OSError) as error:
        raise _damaged(folder) from error
    return tuple(file for file in files if (folder / file.name).is_file())


def add_file(folder: Path, file: InstalledFile) -> None:
    """Write a file down; one of the same name is replaced.

    Raises:
        ModelError: the record is damaged.
        OutputError: it cannot be written.
    """
    with _changing(folder) as files:
        files[:] = [entry for entry in files if entry.get("name") != file.name]
        files.append(asdict(file))


@contextmanager
def _changing(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """The list of files to change; it is written when the context ends without an error."""
    read_files(folder)  # a damaged record is left as it is
    with changing(folder / _RECORD) as document:
        document["version"] = _VERSION
        files: list[dict[str, Any]] = document.setdefault("files", [])
        yield files


def _parse(entry: dict[str, Any]) -> InstalledFile:
    file = InstalledFile(**entry)
    texts = (file.name, file.sha256, file.precision, file.origin, file.trust, file.installed_at)
    if not all(isinstance(text, str) for text in texts) or not isinstance(file.size_bytes, int):
        raise ValueError("not a file")
    if Path(file.name).name != file.name or file.name in {"", ".", ".."}:
        raise ValueError("a name that leads elsewhere")
    return file


def _damaged(folder: Path) -> ModelError:
    return ModelError(
        f"The record {folder / _RECORD} is damaged; run: masquerade models remove {folder.name}, "
        "and pull the model again."
    )
