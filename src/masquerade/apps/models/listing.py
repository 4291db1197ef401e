"""``masquerade models list``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.models.sizes import megabytes
from masquerade.apps.table import table
from masquerade.models.catalogue import catalogue
from masquerade.models.library import Installed, Library

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.models.spec import ModelSpec

__all__ = ["run"]

_HEADER = ("model", "does", "pixels", "file", "commercial", "installed", "needs", "licence")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Show the catalogue and what of it is here."""
    library = Library()
    here = {item.name: item for item in library.installed()}
    specs = [
        spec
        for spec in catalogue().values()
        if args.role in {None, spec.role} and (spec.name in here or not args.installed)
    ]
    if specs:
        console.say(table(_HEADER, [_row(spec, here.get(spec.name)) for spec in specs]))
    else:
        console.say("No such model is installed; get one with: masquerade models pull NAME")
    console.note(f"Installed models are in {library.folder}.")
    models = [_facts(spec, here.get(spec.name), library) for spec in specs]
    return {"folder": str(library.folder), "models": models}


def _row(spec: ModelSpec, here: Installed | None) -> tuple[str, ...]:
    size = here.main.size_bytes if here else spec.files[0].size_bytes
    return (
        spec.name,
        spec.role,
        str(spec.size or "-"),
        megabytes(size),
        "yes" if spec.commercial else "no",
        " ".join(dict.fromkeys(file.precision for file in here.files)) if here else "-",
        " ".join(spec.needs) or "-",
        spec.licence,
    )


def _facts(spec: ModelSpec, here: Installed | None, library: Library) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "role": spec.role,
        "size": spec.size,
        "licence": spec.licence,
        "licence_url": spec.licence_url,
        "commercial": spec.commercial,
        "licence_accepted": library.licences.accepted(spec),
        "needs": list(spec.needs),
        "path": str(here.path) if here else None,
        "precisions": [file.precision for file in here.files] if here else [],
        "size_bytes": here.main.size_bytes if here else spec.files[0].size_bytes,
    }
