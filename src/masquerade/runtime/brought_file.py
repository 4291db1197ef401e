"""A brought file and what is known of it, read once and remembered."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import ModelError
from masquerade.runtime.budget import process_budget
from masquerade.runtime.file_hash import hash_file
from masquerade.runtime.remembered import Remembered

if TYPE_CHECKING:
    from masquerade.runtime.network import Port

__all__ = ["BroughtFile", "brought_files"]

_VERSION = 2


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """One ONNX file of a network.

    Attributes:
        path: of the file.
        digest: SHA-256 of it.
        precision: fp32, fp16 or int8: of its weights.
        fixed_shapes: whether every input takes one shape only.
        size_bytes: of the file.
        winograd_bytes: by which the weights grow where 3x3 convolutions are written as matrix
            products; 0 where that does not pay.
        picture_px: pixels of the largest picture that it is fed, 0 where that is not fixed.
    """

    path: Path
    digest: str
    precision: str
    fixed_shapes: bool
    size_bytes: int
    winograd_bytes: int
    picture_px: int = 0

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
    from masquerade.runtime.graph_facts import facts_of
    from masquerade.runtime.onnx_file import read_model
    from masquerade.runtime.single_precision import to_single
    from masquerade.runtime.winograd import winograd_cost

    size_bytes = path.stat().st_size
    with contextlib.ExitStack() as stack:
        label, budget = f"Reading {path.name}", process_budget()
        stack.enter_context(budget.admit(label, int(1.3 * size_bytes)))
        model = read_model(path)
        facts = facts_of(model, size_bytes)
        precision = facts.precision if facts.precision in ("fp16", "int8") else "fp32"
        if precision == "fp16":
            stack.enter_context(budget.admit(label, 2 * size_bytes))
        to_single(model, half=True)
        grows = precision != "int8" and all(None not in port.shape[1:] for port in facts.inputs)
        return {
            "version": _VERSION,
            "precision": precision,
            "fixed_shapes": not any(None in port.shape for port in facts.inputs),
            "size_bytes": size_bytes,
            "winograd_bytes": winograd_cost(model) if grows else 0,
            "picture_px": max(map(_picture_px, facts.inputs), default=0),
        }


def _picture_px(port: Port) -> int:
    """Pixels of an input that is a picture of a fixed size, whichever axis holds the channels."""
    sides = port.shape[1:]
    if len(sides) != 3 or None in sides:
        return 0
    low, middle, high = sorted(side or 0 for side in sides)
    return middle * high if low <= 4 else 0
