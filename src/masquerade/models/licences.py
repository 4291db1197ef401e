"""What a model's publisher permits, and whether the user has agreed to it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from masquerade.core.errors import LicenceError, OutputError
from masquerade.core.folders import data_folder
from masquerade.models.kept_document import changing, read_document
from masquerade.models.spec import ModelSpec

__all__ = ["Licences", "terms_of"]

_FILE = "licences.json"
_VERSION = 1


def terms_of(spec: ModelSpec) -> str:
    """What the user agrees to, in sentences."""
    use = (
        "It permits commercial use."
        if spec.commercial
        else "Non-commercial: commercial use is not permitted."
    )
    if spec.licence.startswith(("Unknown", "Not stated")):
        use = "Nobody permitted commercial use: treat it as non-commercial, for research alone."
    return f"{spec.title} ({spec.name}). Licence: {spec.licence}. {use} Read it: {spec.licence_url}"


class Licences:
    """The licences that were accepted on this installation, by model.

    Each is kept with its date and the hash of the words that were shown: when those change, the
    question is asked again.

    Args:
        folder: where the file is, :func:`data_folder` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The file; it appears with the first acceptance."""
        return (self._folder or data_folder()) / _FILE

    def accepted(self, spec: ModelSpec) -> bool:
        """Whether these very terms were accepted.

        Raises:
            LicenceError: the file is damaged.
        """
        entry = self._read().get(spec.name)
        return isinstance(entry, dict) and entry.get("terms_sha256") == _digest(spec)

    def accept(self, spec: ModelSpec) -> None:
        """Remember that the user accepted the terms of a model.

        Raises:
            LicenceError: the file is damaged; it is left as it is.
            OutputError: it cannot be written.
        """
        try:
            with changing(self.path) as document:
                _check(document)
                document["version"] = _VERSION
                document.setdefault("accepted", {})[spec.name] = {
                    "licence": spec.licence,
                    "licence_url": spec.licence_url,
                    "terms_sha256": _digest(spec),
                    "accepted_at": datetime.now(UTC).isoformat(timespec="seconds"),
                }
        except OutputError:
            raise
        except (ValueError, OSError) as error:
            raise self._damaged() from error

    def require(self, spec: ModelSpec) -> None:
        """Refuse a model whose licence was not accepted.

        Raises:
            LicenceError: with the command that accepts it.
        """
        if not self.accepted(spec):
            raise LicenceError(
                f"The licence of {spec.name} was not accepted ({spec.licence}"
                f"{'' if spec.commercial else '; non-commercial'}). "
                f"Read {spec.licence_url} and run: masquerade models pull {spec.name} "
                "--accept-licence"
            )

    def _read(self) -> dict[str, Any]:
        try:
            document = read_document(self.path)
            _check(document)
        except (ValueError, OSError) as error:
            raise self._damaged() from error
        accepted: dict[str, Any] = document.get("accepted", {})
        return accepted

    def _damaged(self) -> LicenceError:
        return LicenceError(
            f"The list of accepted licences {self.path} cannot be read; mend it, or move it away "
            "and accept again."
        )


def _check(document: dict[str, Any]) -> None:
    if document.get("version", _VERSION) != _VERSION:
        raise ValueError("another version")
    if not isinstance(document.get("accepted", {}), dict):
        raise ValueError("not a list of licences")


def _digest(spec: ModelSpec) -> str:
    return hashlib.sha256(terms_of(spec).encode()).hexdigest()
