"""The file that remembers consents: one JSON document, replaced whole, readable by its owner."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from masquerade.core.errors import ConsentError, OutputError
from masquerade.core.folders import data_folder
from masquerade.core.whole_file import write_whole
from masquerade.trust.consent import BASES, Consent
from masquerade.trust.file_lock import file_lock
from masquerade.trust.minors import GUARDIANS

__all__ = ["ConsentRegister"]

_VERSION = 1
_FILE = "consents.json"
_LOCK = "consents.lock"


class ConsentRegister:
    """The consents of one user, by donor.

    Safe for several processes at once: a writer reads, adds and replaces the file while it holds
    a lock; readers always see a whole file. The file is readable by its owner alone (0600).

    Args:
        folder: where the file is, :func:`data_folder` by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or data_folder()

    @property
    def path(self) -> Path:
        """The register's file; it appears with the first answer."""
        return self._folder / _FILE

    def find(self, fingerprint: str) -> Consent | None:
        """What was said of a donor, None where nothing was.

        Raises:
            ConsentError: the register is damaged.
        """
        return self._read().get(fingerprint)

    def all(self) -> tuple[Consent, ...]:
        """Every consent, oldest first.

        Raises:
            ConsentError: the register is damaged.
        """
        return tuple(sorted(self._read().values(), key=lambda item: item.stated_at))

    def record(self, consent: Consent) -> None:
        """Remember a consent; a newer one for the same donor replaces the older.

        Raises:
            ConsentError: the register is damaged; it is left as it is.
            OutputError: it cannot be written.
        """
        with self._changing() as known:
            known[consent.fingerprint] = consent

    def forget(self, fingerprint: str) -> bool:
        """Revoke what was said of a donor; False where nothing was. It has to be said anew.

        Raises:
            ConsentError: the register is damaged; it is left as it is.
            OutputError: it cannot be written.
        """
        with self._changing() as known:
            return known.pop(fingerprint, None) is not None

    def _read(self) -> dict[str, Consent]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged() from error
        try:
            document = json.loads(text)
            if document["version"] != _VERSION:
                raise ValueError("another version")
            consents = [_parse(entry) for entry in document["consents"]]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._damaged() from error
        return {consent.fingerprint: consent for consent in consents}

    def _damaged(self) -> ConsentError:
        return ConsentError(
            f"The consent register {self.path} cannot be read; mend it, or move it away and "
            "answer again."
        )

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Consent]]:
        try:
            with file_lock(self._folder / _LOCK):
                known = self._read()
                yield known
                self._replace(known)
        except (ConsentError, OutputError):
            raise
        except OSError as error:
            raise OutputError(
                f"The consent register in {self._folder} cannot be written ({error.strerror}); "
                "set MASQUERADE_HOME to a folder of yours."
            ) from error

    def _replace(self, known: dict[str, Consent]) -> None:
        document = {
            "version": _VERSION,
            "consents": [dataclasses.asdict(consent) for consent in known.values()],
        }
        write_whole(self.path, json.dumps(document, indent=1, ensure_ascii=False))


def _parse(entry: dict[str, Any]) -> Consent:
    consent = Consent(**entry)
    is_known = consent.basis in BASES and consent.guardian in ("", *GUARDIANS)
    if not is_known or not all(isinstance(value, str) for value in dataclasses.astuple(consent)):
        raise ValueError("not a consent")
    return consent
