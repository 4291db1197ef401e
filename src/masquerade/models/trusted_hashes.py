"""Hashes of files that nobody vouches for, as they were when they came first.

Trust on first use: what was fetched once must be the same ever after, also when the model was
removed in between.
"""

from __future__ import annotations

from pathlib import Path

from masquerade.core.errors import ModelError, OutputError
from masquerade.core.folders import data_folder
from masquerade.models.kept_document import changing, read_document
from masquerade.models.spec import ModelFile, ModelSpec

__all__ = ["TrustedHashes"]

_FILE = "trusted_hashes.json"


class TrustedHashes:
    """Hashes by model, exporter and file.

    Args:
        folder: where they are kept, :func:`data_folder` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The file; it appears with the first hash."""
        return (self._folder or data_folder()) / _FILE

    def find(self, spec: ModelSpec, file: ModelFile) -> str | None:
        """The hash of that file when it came first, None where it never did.

        Raises:
            ModelError: the list is damaged.
        """
        try:
            found = read_document(self.path).get(_key(spec, file))
        except (ValueError, OSError) as error:
            raise self._damaged() from error
        return found if isinstance(found, str) else None

    def record(self, spec: ModelSpec, file: ModelFile, sha256: str) -> None:
        """Remember the hash of a file that came.

        Raises:
            ModelError: the list is damaged; it is left as it is.
            OutputError: it cannot be written.
        """
        try:
            with changing(self.path) as document:
                document[_key(spec, file)] = sha256
        except OutputError:
            raise
        except (ValueError, OSError) as error:
            raise self._damaged() from error

    def _damaged(self) -> ModelError:
        return ModelError(
            f"The list of trusted hashes {self.path} cannot be read; mend it, or move it away and "
            "trust again."
        )


def _key(spec: ModelSpec, file: ModelFile) -> str:
    return f"{spec.name}/{file.exporter}/{file.name}"
