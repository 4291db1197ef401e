"""The models that are installed on this machine: where they are, and how they get there.

Layout: ``FOLDER/MODEL/FILE.onnx`` with ``installed.json`` beside it; ``FOLDER`` is
:func:`masquerade.core.folders.models_folder`. Whatever changes a model's folder holds the lock
``FOLDER/.locks/MODEL.lock``, so that two processes may pull the same model.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import ModelError, OutputError
from masquerade.core.folders import models_folder
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.installed_files import InstalledFile, Trust, add_file, read_files
from masquerade.models.kept_document import locked
from masquerade.models.licences import Licences

if TYPE_CHECKING:
    from masquerade.models.pull import Pull
    from masquerade.models.spec import ModelSpec

__all__ = ["Installed", "Library", "Verdict"]


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that is on this machine.

    Attributes:
        spec: what the catalogue says of it.
        folder: where it is.
        files: what was published of it and what was made of that here, in the order they came.
    """

    spec: ModelSpec
    folder: Path
    files: tuple[InstalledFile, ...]

    @property
    def name(self) -> str:
        """As the catalogue calls it."""
        return self.spec.name

    @property
    def main(self) -> InstalledFile:
        """The published file."""
        return next(file for file in self.files if file.published)

    @property
    def path(self) -> Path:
        """Of the published file."""
        return self.folder / self.main.name

    @property
    def size_bytes(self) -> int:
        """Of all its files together."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a file is still what it was when it came."""

    model: str
    file: InstalledFile
    sha256: str

    @property
    def right(self) -> bool:
        """Whether its hash is the recorded one."""
        return self.sha256 == self.file.sha256


class Library:
    """Public models that are installed on this machine.

    Args:
        folder: where they are, :func:`models_folder` by default.
        licences: which licences were accepted; those of this installation by default.
    """

    def __init__(self, folder: Path | None = None, licences: Licences | None = None) -> None:
        self._folder = folder
        self.licences = licences or Licences()

    @property
    def folder(self) -> Path:
        """Where the models are."""
        return self._folder or models_folder()

    def spec(self, name: str) -> ModelSpec:
        """What the catalogue says of a model.

        Raises:
            ModelError: there is no such model.
        """
        return find_spec(name)

    def installed(self) -> tuple[Installed, ...]:
        """Every model that is here, in the order of the catalogue.

        Raises:
            ModelError: a record is damaged.
        """
        found = (self.find(name) for name in catalogue())
        return tuple(item for item in found if item is not None)

    def find(self, name: str) -> Installed | None:
        """A model, if it is here.

        Raises:
            ModelError: there is no such model, or its record is damaged.
        """
        spec = self.spec(name)
        folder = self.folder / name
        files = read_files(folder)
        if not any(file.published for file in files):
            return None
        return Installed(spec, folder, files)

    def get(self, name: str) -> Installed:
        """A model that is here and whose licence was accepted.

        Raises:
            ModelError: it is unknown or not here; the message holds the command that gets it.
            LicenceError: its licence was not accepted.
        """
        found = self.find(name)
        if found is None:
            raise ModelError(
                f"The model {name} is not installed; run: masquerade models pull {name}, or "
                "bring its file with: masquerade models import FILE."
            )
        self.licences.require(found.spec)
        return found

    def path(self, name: str) -> Path:
        """The published file of a model; see :meth:`get` for what it raises."""
        return self.get(name).path

    def variants(self, name: str) -> Mapping[str, Path]:
        """Files of a model by their precision: as published, and made from that here.

        Raises:
            ModelError: it is unknown or not here.
            LicenceError: its licence was not accepted.
        """
        found = self.get(name)
        paths: dict[str, Path] = {}
        for file in sorted(found.files, key=lambda file: not file.published):
            paths.setdefault(file.precision, found.folder / file.name)
        return paths

    def sha256(self, path: Path) -> str:
        """The hash that a file of this library had when it came; the loader compares it.

        Raises:
            ModelError: it is no file of this library.
        """
        for file in read_files(path.parent):
            if file.name == path.name:
                return file.sha256
        raise ModelError(
            f"{path} belongs to no installed model; run: masquerade models import {path}."
        )

    def changing(
        self, name: str, waiting: Callable[[], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold a model's folder for oneself.

        Args:
            name: of the model.
            waiting: called once, where another process holds it.
        """
        return locked(self.folder / ".locks" / f"{name}.lock", waiting)

    def pull(self, name: str, how: Pull | None = None) -> Installed:
        """Fetch a model; see :func:`masquerade.models.pull.pull`."""
        from masquerade.models.pull import pull

        return pull(self, name, how)

    def import_file(
        self, path: Path, name: str = "", *, link: bool = False, overwrite: bool = False
    ) -> Installed:
        """Take a file of the user's in; see :func:`masquerade.models.bring.bring`.

        Args:
            path: of the file.
            name: of the model that it is; "" where the file says it.
            link: leave the file where it is and point to it.
            overwrite: replace another file of the same name.
        """
        from masquerade.models.bring import bring
        from masquerade.models.recognise import as_model, recognise

        found = recognise(path)
        if name:
            found = as_model(found, self.spec(name))
        return bring(self, path, found, link=link, overwrite=overwrite)

    def add_variant(self, name: str, precision: str, path: Path) -> Path:
        """Take in a variant of a model that was made on this machine; the file is moved.

        Raises:
            ModelError: the model is not here.
            LicenceError: its licence was not accepted.
            OutputError: the library cannot be written to.
        """
        found = self.get(name)
        target = found.folder / f"{Path(found.main.name).stem}.made-{precision}.onnx"
        with self.changing(name):
            digest = _hash(path)
            try:
                shutil.move(path, target)
            except OSError as error:
                raise _unwritable(target, error) from error
            self.record(target, digest, precision, f"made from {found.main.name}", "made here")
        return target

    def verify(self, name: str, show: Callable[[int], None] = lambda _: None) -> list[Verdict]:
        """Read every file of a model and compare its hash with the recorded one.

        Args:
            name: of the model.
            show: called with the number of bytes read since the last call.

        Raises:
            ModelError: the model is unknown or not here, or a file cannot be read.
        """
        found = self.find(name)
        if found is None:
            raise ModelError(f"The model {name} is not installed; run: masquerade models list.")
        return [Verdict(name, file, _hash(found.folder / file.name, show)) for file in found.files]

    def remove(self, name: str) -> int:
        """Delete a model with its variants and whatever was fetched of it; return the bytes freed.

        Raises:
            ModelError: the model is unknown or nothing of it is here.
            OutputError: it cannot be deleted.
        """
        folder = self.folder / self.spec(name).name
        if not folder.is_dir():
            raise ModelError(f"The model {name} is not installed; run: masquerade models list.")
        with self.changing(name):
            freed = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise _unwritable(folder, error) from error
        return freed

    def record(self, path: Path, sha256: str, precision: str, origin: str, trust: Trust) -> None:
        """Write down a file that came into a model's folder; the caller holds the folder."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        size = path.stat().st_size
        add_file(path.parent, InstalledFile(path.name, sha256, size, precision, origin, trust, now))


def _hash(path: Path, show: Callable[[int], None] = lambda _: None) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
                show(len(chunk))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}); check its permissions, or pull it again."
        ) from error
    return digest.hexdigest()


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be changed ({error.strerror}); check permissions and free space."
    )
