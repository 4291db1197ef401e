"""The run report: with what an output was made, so that it can be made again.

It is part of every output's credentials, and can be written beside it (``--report FILE``). The one
in the credentials names no person, no file and no path: files are known by their hashes. The one
beside the output also says where they were, for ``masquerade rerun``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade._version import __version__

if TYPE_CHECKING:
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings

__all__ = [
    "REPORT_VERSION",
    "Errand",
    "Model",
    "device_facts",
    "execution_values",
    "hash_of",
    "run_report",
    "software_facts",
]

REPORT_VERSION = 1

_LIBRARIES = (
    "numpy",
    "opencv-python-headless",
    "av",
    "pillow",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "onnxruntime-directml",
    "onnxruntime-migraphx",
    "openvino",
)
"""What the pixels of an output depend on."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network that took part.

    Attributes:
        name: of the model.
        sha256: of its file.
        precision: in which it ran; empty for the built-in ones.
        provider: on which it ran.
    """

    name: str
    sha256: str
    precision: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What was asked for, beside the settings.

    Attributes:
        target: the file that was edited; None for a stream.
        donors: by person, the photos or the saved identity.
        references: whom a donor replaces: a photo of that person, or a track's number.
        options: plain values that are needed to do it again: ``video``, ``source_face``,
            ``allow_no_face``, ``max_pixels``.
    """

    target: Path | None = None
    donors: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    references: Mapping[str, Path | int] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def described(self, *, with_paths: bool) -> dict[str, Any]:
        """As plain data.

        Args:
            with_paths: say where the files are and what the donors are called, too.

        Raises:
            OSError: a file cannot be read.
        """
        document: dict[str, Any] = dict(self.options)
        if self.target is not None:
            document["target"] = _file(self.target, with_paths=with_paths)
        document["donors"] = [
            self._donor(name, files, with_paths=with_paths) for name, files in self.donors.items()
        ]
        return document

    def _donor(self, name: str, files: Sequence[Path], *, with_paths: bool) -> dict[str, Any]:
        document: dict[str, Any] = {"files": [_file(file, with_paths=with_paths) for file in files]}
        if with_paths:
            document["name"] = name
        reference = self.references.get(name)
        if isinstance(reference, int):
            document["track"] = reference
        elif reference is not None:
            document["reference"] = _file(reference, with_paths=with_paths)
        return document


def run_report(
    settings: Settings,
    execution: Execution,
    models: Sequence[Model],
    figures: Mapping[str, Any],
    errand: Errand | None,
    *,
    with_paths: bool = False,
) -> dict[str, Any]:
    """The report as plain data, ready for JSON.

    Args:
        settings: in force.
        execution: where networks were to run.
        models: networks that took part.
        figures: what was done, in numbers.
        errand: what was asked for; None where nobody told.
        with_paths: see :meth:`Errand.described`.

    Raises:
        OSError: a file of the errand cannot be read.
    """
    document = {
        "version": REPORT_VERSION,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software_facts(),
        "device": device_facts(),
        "models": [dataclasses.asdict(model) for model in models],
        "settings": _plain(dataclasses.asdict(settings)),
        "execution": execution_values(execution),
        "figures": dict(figures),
    }
    if errand is not None:
        document["job"] = errand.described(with_paths=with_paths)
    return document


def execution_values(execution: Execution) -> dict[str, Any]:
    """An :class:`Execution` as plain data."""
    names = [item.name for item in dataclasses.fields(execution)]
    return {name: _plain(getattr(execution, name)) for name in names}


def hash_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file(path: Path, *, with_paths: bool) -> dict[str, Any]:
    digest = {"sha256": hash_of(path)}
    return {"path": str(path.absolute()), **digest} if with_paths else digest


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


@cache
def software_facts() -> dict[str, str]:
    """Versions of this program and of what its pixels depend on."""
    found = {"masquerade": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def device_facts() -> dict[str, str]:
    """The kind of machine; nothing that tells one from another of its kind."""
    return {"system": sys.platform, "machine": platform.machine(), "processor": _processor()}


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
