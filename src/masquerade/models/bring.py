"""Taking a user's own file into the library."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import ModelError, OutputError, OutputExistsError
from masquerade.models.installed_files import read_files

if TYPE_CHECKING:
    from masquerade.models.installed_files import Trust
    from masquerade.models.library import Installed, Library
    from masquerade.models.recognise import Recognised

__all__ = ["bring"]


def bring(
    library: Library,
    path: Path,
    found: Recognised,
    *,
    link: bool = False,
    overwrite: bool = False,
) -> Installed:
    """Take a file in.

    Args:
        library: where to.
        path: of the file; it stays where it is.
        found: what :func:`masquerade.models.recognise.recognise` says that it is.
        link: point to the file, do not copy it.
        overwrite: replace another file of the same name.

    Raises:
        ModelError: nobody knows what it is.
        LicenceError: its licence was not accepted.
        OutputExistsError: another file of that name is installed.
        OutputError: the library cannot be written to.
    """
    spec = found.spec
    if spec is None:
        raise ModelError(
            f"{path.name} is not known: it {found.looks_like}. {' '.join(found.notes)} "
            "Say which model it is with --as NAME."
        )
    library.licences.require(spec)
    precision = found.facts.precision
    name = found.file.name if found.file else f"{spec.name}.{precision}.onnx"
    target = library.folder / spec.name / name
    with library.changing(spec.name):
        known = {file.name: file.sha256 for file in read_files(target.parent)}
        if known.get(name) != found.sha256:
            if name in known and not overwrite:
                raise OutputExistsError(
                    f"Another file {name} of {spec.name} is installed; replace it with --overwrite."
                )
            _place(path, target, link=link)
            library.record(target, found.sha256, precision, str(path.resolve()), _trust(found))
    return library.get(spec.name)


def _trust(found: Recognised) -> Trust:
    if found.file is None:
        return "user"
    return "publisher" if found.file.verified else "reported"


def _place(path: Path, target: Path, *, link: bool) -> None:
    """Copy or link a file, so that the target is there as a whole or not at all."""
    partial = target.with_name(f"{target.name}.import")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        try:
            if link:
                partial.symlink_to(path.resolve())
            else:
                shutil.copyfile(path, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written ({error.strerror}); check permissions and free space."
        ) from error
