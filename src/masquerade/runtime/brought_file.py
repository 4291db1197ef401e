"""A brought file and what is known of it, read once and remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from masquerade.core.errors import ModelError
from masquerade.runtime.file_hash import hash_file
from masquerade.runtime.remembered import Remembered

__all__ = ["BroughtFile", "brought_files"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """One ONNX file of a network.

    Attributes:
        path: of the file.
        digest: SHA-256 of it.
        precision: fp32, fp16 or int8: of its weights.
        fixed_shapes: whether every input takes one shape only.
        size_bytes: of the file.
        multiply_adds: of one run; 0 where that is not known.
    """

    path: Path
    digest: str
    precision: str
    fixed_shapes: bool
    size_bytes: int
    multiply_adds: int

    @property
    def remembered(self) -> Remembered:
        """Facts about it on this machine."""
        return Remembered(self.digest)


def brought_files(
    path: Path, sha256: str | None, variants: Mapping[str, Path] | None
) -> dict[str, BroughtFile]:
    """The file and its variants by precision; the file itself comes first.

    Args:
        path: of the file.
        sha256: which it has to have; None takes it as it is.
        variants: other files of the same network by their precision.

    Raises:
        ModelError: a file is missing, refused, or is not what it should be.
    """
    first = _brought(path)
    if sha256 is not None and first.digest != sha256.lower():
        raise ModelError(
            f"{path.name} is damaged or another file: its hash is {first.digest[:12]}..., not "
            f"{sha256[:12]}.... Pull or import it again."
        )
    files = {first.precision: first}
    for precision, other in (variants or {}).items():
        if other != path:
            files.setdefault(precision, _brought(other))
    return files


def _brought(path: Path) -> BroughtFile:
    try:
        digest = hash_file(path)
    except OSError as error:
        raise ModelError(
            f"{path} is missing or cannot be read. Pull or import it again."
        ) from error
    remembered = Remembered(digest)
    known = remembered.get("file")
    if not isinstance(known, dict) or known.get("version") != _VERSION:
        known = _facts(path)
        remembered.put("file", known)
    facts = {key: known[key] for key in known if key != "version"}
    return BroughtFile(path=path, digest=digest, **facts)


def _facts(path: Path) -> dict[str, Any]:
    from masquerade.runtime.graph_facts import graph_facts

    facts = graph_facts(path)
    precision = facts.precision if facts.precision in ("fp16", "int8") else "fp32"
    brought = BroughtFile(
        path=path,
        digest="",
        precision=precision,
        fixed_shapes=not any(None in port.shape for port in facts.inputs),
        size_bytes=path.stat().st_size,
        multiply_adds=facts.multiply_adds or 0,
    )
    data = asdict(brought)
    return {k: v for k, v in data.items() if k not in ("path", "digest")} | {"version": _VERSION}
