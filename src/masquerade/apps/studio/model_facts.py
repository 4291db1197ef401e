"""What a page has to know of each public network."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from masquerade.core.errors import ModelError
from masquerade.models.catalogue import catalogue

if TYPE_CHECKING:
    from masquerade.models.library import Installed, Library
    from masquerade.models.spec import ModelSpec

__all__ = ["ModelFacts", "all_models", "facts_of_model"]


class ModelFacts(BaseModel):
    """One public network."""

    name: str
    title: str
    role: str
    licence: str
    licence_text_url: str
    commercial: bool = Field(description="whether its licence permits commercial use")
    accepted: bool = Field(description="whether its licence was accepted on this machine")
    needs: list[str] = Field(description="models that it does not work without")
    installed: bool
    precisions: list[str] = Field(description="that are installed")
    bytes: int | None = Field(description="of its files here, else of what would be fetched")
    parameters: int | None = Field(description="null before it is installed")
    multiply_adds: int | None = Field(description="for one picture; null before it is installed")
    ms_on_this_machine: float | None = Field(
        description="of a run, by the best way measured here; null before its first use"
    )


def all_models(library: Library) -> list[ModelFacts]:
    """Every model, in the order of the catalogue.

    Raises:
        ModelError: a record of an installed model is damaged.
        LicenceError: the list of accepted licences is damaged.
    """
    here = {item.name: item for item in library.installed()}
    return [_facts(library, spec, here.get(name)) for name, spec in catalogue().items()]


def facts_of_model(library: Library, name: str) -> ModelFacts:
    """One model.

    Raises:
        ModelError: there is no such model, or its record is damaged.
    """
    return _facts(library, library.spec(name), library.find(name))


def _facts(library: Library, spec: ModelSpec, here: Installed | None) -> ModelFacts:
    from masquerade.runtime.measured_choice import remembered_ms

    parameters, multiply_adds = _cost(here.path, here.main.sha256) if here else (None, None)
    return ModelFacts(
        name=spec.name,
        title=spec.title,
        role=spec.role,
        licence=spec.licence,
        licence_text_url=spec.licence_url,
        commercial=spec.commercial,
        accepted=library.licences.accepted(spec),
        needs=list(spec.needs),
        installed=here is not None,
        precisions=list(dict.fromkeys(file.precision for file in here.files)) if here else [],
        bytes=here.size_bytes if here else spec.files[0].size_bytes,
        parameters=parameters,
        multiply_adds=multiply_adds,
        ms_on_this_machine=remembered_ms(here.main.sha256) if here else None,
    )


@lru_cache(maxsize=256)
def _cost(path: Path, _sha256: str) -> tuple[int | None, int | None]:
    """Parameters and multiply-adds; nothing of a file that cannot be read any more."""
    from masquerade.runtime.graph_facts import graph_facts

    try:
        facts = graph_facts(path)
    except ModelError:
        return None, None
    return facts.parameters, facts.multiply_adds
