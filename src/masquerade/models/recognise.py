"""What an ONNX file is: told by its hash, else by what its graph takes and gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from masquerade.core.errors import ModelError
from masquerade.models.catalogue import catalogue
from masquerade.models.graph_fit import fits, looks_like
from masquerade.runtime.file_hash import hash_file
from masquerade.runtime.graph_facts import facts_of
from masquerade.runtime.onnx_file import read_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from masquerade.models.spec import ModelFile, ModelSpec
    from masquerade.runtime.graph_facts import GraphFacts

__all__ = ["Recognised", "recognise"]

_EMAP_SHAPE = (512, 512)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is.

    Attributes:
        spec: the model, None where that is not known for certain.
        file: the published file that has this hash, None where none has.
        how: ``hash``: some published file has this hash; ``graph``: one model alone takes and
            gives this; ``name``: several do, and the file's name is one of theirs; ``unknown``.
        sha256: of the file.
        facts: of its graph.
        candidates: names of the models that take and give this.
        looks_like: its inputs and outputs in words.
    """

    spec: ModelSpec | None
    file: ModelFile | None
    how: Literal["hash", "graph", "name", "unknown"]
    sha256: str
    facts: GraphFacts
    candidates: tuple[str, ...]
    looks_like: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, in sentences."""
        if self.how == "hash" and self.file is not None:
            told = "which its publisher states" if self.file.verified else "as others reported"
            return (f"The hash is that of {self.file.name} of {self.file.exporter}, {told}.",)
        unlisted = "Its hash is listed nowhere: nothing proves who made it."
        if self.how == "graph":
            return (unlisted, "No other model takes and gives the same.")
        if self.how == "name":
            others = ", ".join(self.candidates)
            return (unlisted, f"Its name decides between {others}.")
        if self.candidates:
            return (unlisted, f"It could be {', '.join(self.candidates)}.")
        return (unlisted, "No model of the catalogue takes and gives this.")


def recognise(path: Path) -> Recognised:
    """Say what a file is.

    Args:
        path: of an ONNX file from anywhere.

    Raises:
        ModelError: it is no ONNX file, is damaged, or is refused.
    """
    model = read_model(path)  # first: it refuses what must not be read at all
    facts = facts_of(model, path.stat().st_size)
    has_emap = any(tuple(tensor.dims) == _EMAP_SHAPE for tensor in model.graph.initializer)
    sha256 = hash_file(path)
    near = _candidates(facts, has_emap)
    names, look = tuple(spec.name for spec in near), looks_like(facts)
    for spec in catalogue().values():
        for file in spec.files:
            if file.sha256 == sha256:
                return Recognised(spec, file, "hash", sha256, facts, names, look)
    if len(near) == 1:
        return Recognised(near[0], None, "graph", sha256, facts, names, look)
    named = _named_like(path, near)
    how: Literal["name", "unknown"] = "name" if named else "unknown"
    return Recognised(named, None, how, sha256, facts, names, look)


def as_model(found: Recognised, spec: ModelSpec) -> Recognised:
    """What was recognised, taken for the model that the user says it is.

    Raises:
        ModelError: it takes and gives something else.
    """
    if found.spec is spec or spec.name in found.candidates:
        file = found.file if found.spec is spec else None
        return Recognised(
            spec, file, found.how, found.sha256, found.facts, found.candidates, found.looks_like
        )
    raise ModelError(
        f"This file is not {spec.name}: it {found.looks_like}. {' '.join(found.notes)} "
        "Give the file of that model."
    )


def _candidates(facts: GraphFacts, has_emap: bool) -> Sequence[ModelSpec]:
    """Models that take and give the same; those of the same precision, where there are some."""
    near = [spec for spec in catalogue().values() if fits(spec, facts, has_emap=has_emap)]
    alike = [spec for spec in near if facts.precision in {file.precision for file in spec.files}]
    return alike or near


def _named_like(path: Path, near: Sequence[ModelSpec]) -> ModelSpec | None:
    """The only one of the models that the file is called after."""
    stem = _plain(path.stem)
    named = [
        spec
        for spec in near
        if stem in {_plain(spec.name), *(_plain(Path(file.name).stem) for file in spec.files)}
    ]
    return named[0] if len(named) == 1 else None


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
