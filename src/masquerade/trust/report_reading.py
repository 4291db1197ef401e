"""A run report from anywhere: every value is looked at before anybody uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masquerade.core.errors import InputError, UnsupportedMediaError
from masquerade.trust.report import REPORT_VERSION

__all__ = ["LARGEST_REPORT_BYTES", "KnownDonor", "KnownFile", "KnownReport", "read_report"]

LARGEST_REPORT_BYTES = 1_000_000
_MOST_DONORS, _MOST_FILES = 64, 64
_LONGEST_PATH = 4096
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that a run has read.

    Attributes:
        sha256: of its bytes, 64 hexadecimal digits.
        path: where it was; None where the report does not say.
    """

    sha256: str
    path: Path | None = None

    def check(self, path: Path) -> None:
        """Whether ``path`` is that file.

        Raises:
            InputError: it is another one, or cannot be read.
        """
        from masquerade.trust.report import hash_of

        try:
            special = path.exists() and not path.is_file()
            digest = "" if special else hash_of(path)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}); give the file that the report is of."
            ) from error
        if special:
            raise InputError(f"{path} is no file; give the one that the report is of.")
        if digest != self.sha256:
            raise InputError(
                f"{path} is not the file that the report is of, its hash differs; give that one."
            )


@dataclass(frozen=True, slots=True)
class KnownDonor:
    """A donor of a run.

    Attributes:
        files: photos, or the saved identity.
        reference: photo of whom the donor replaces.
        track: number of whom the donor replaces.
    """

    files: tuple[KnownFile, ...]
    reference: KnownFile | None = None
    track: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReport:
    """What a report says. Settings, execution and options are plain values that were not looked
    at: whoever takes them over checks each.

    Attributes:
        target: what was edited.
        donors: who was drawn, in order.
        settings: by name.
        execution: where networks ran, by name.
        options: what else was asked for.
        models: hash by name of each network that took part.
        software: version by name.
        device: the kind of machine.
    """

    target: KnownFile
    donors: tuple[KnownDonor, ...]
    settings: Mapping[str, Any]
    execution: Mapping[str, Any]
    options: Mapping[str, Any]
    models: Mapping[str, str]
    software: Mapping[str, Any]
    device: Mapping[str, Any]


def read_report(document: bytes | Mapping[str, Any], name: str) -> KnownReport:
    """Read a report.

    Args:
        document: the text of a file, or what credentials hold.
        name: what errors call it.

    Raises:
        UnsupportedMediaError: it is no report of a run that can be done again.
    """
    try:
        return _read(_parse(document) if isinstance(document, bytes) else document)
    except (ValueError, RecursionError) as error:
        raise UnsupportedMediaError(
            f"{name} holds no run report that can be used ({error}); give one that --report wrote, "
            "or an output of `masquerade swap`."
        ) from error


def _parse(text: bytes) -> Mapping[str, Any]:
    if len(text) > LARGEST_REPORT_BYTES:
        raise ValueError("it is too large")
    try:
        return _object(json.loads(text), "it")
    except UnicodeDecodeError as error:
        raise ValueError("it is no text") from error
    except json.JSONDecodeError as error:
        raise ValueError("it is no JSON") from error


def _read(document: Mapping[str, Any]) -> KnownReport:
    if document.get("version") != REPORT_VERSION or isinstance(document["version"], bool):
        raise ValueError("its version is unknown")
    job = _object(document.get("job"), "job")
    donors = _list(job.get("donors"), _MOST_DONORS, "donors")
    if not donors or "target" not in job:
        raise ValueError("it names no target or no donor")
    known = {"target", "donors"}
    return KnownReport(
        target=_file(job["target"]),
        donors=tuple(map(_donor, donors)),
        settings=_object(document.get("settings"), "settings"),
        execution=_object(document.get("execution"), "execution"),
        options={key: value for key, value in job.items() if key not in known},
        models=dict(map(_model, _list(document.get("models"), 200, "models"))),
        software=_object(document.get("software"), "software"),
        device=_object(document.get("device"), "device"),
    )


def _donor(value: Any) -> KnownDonor:
    donor = _object(value, "a donor")
    files = tuple(map(_file, _list(donor.get("files"), _MOST_FILES, "files")))
    if not files:
        raise ValueError("a donor has no file")
    track, reference = donor.get("track"), donor.get("reference")
    if track is not None and (type(track) is not int or not 0 <= track < 10**9):
        raise ValueError("a track is no number")
    return KnownDonor(files, None if reference is None else _file(reference), track)


def _file(value: Any) -> KnownFile:
    file = _object(value, "a file")
    digest, path = file.get("sha256"), file.get("path")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError("a file has no hash")
    if path is None:
        return KnownFile(digest)
    if not isinstance(path, str) or not 0 < len(path) <= _LONGEST_PATH or not path.isprintable():
        raise ValueError("a path is no text")
    return KnownFile(digest, Path(path))


def _model(value: Any) -> tuple[str, str]:
    model = _object(value, "a model")
    name, digest = model.get("name"), model.get("sha256")
    if not isinstance(name, str) or not isinstance(digest, str):
        raise ValueError("a model has no name or no hash")
    return name, digest


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value


def _list(value: Any, most: int, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{what} is no list, or too long a one")
    return value
