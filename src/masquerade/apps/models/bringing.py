"""``masquerade models import``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.models.licence_question import settle_licences
from masquerade.core.errors import ModelError, SettingsError
from masquerade.models.bring import bring
from masquerade.models.library import Library
from masquerade.models.recognise import as_model, recognise

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.models.recognise import Recognised

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Say what files are and take them in; unless all are known, none is."""
    if args.name and len(args.files) > 1:
        raise SettingsError("--as names one model; import one file at a time with it.")
    library = Library()
    known = [_recognise(Path(path), args.name, library, console) for path in args.files]
    specs = {found.spec.name: found.spec for _, found in known if found.spec}
    settle_licences(specs.values(), library.licences, console, accepted=args.accept_licence)
    taken = []
    for path, found in known:
        here = bring(library, path, found, link=args.link, overwrite=args.overwrite)
        file = next(item for item in here.files if item.sha256 == found.sha256)
        console.say(f"{here.name} is installed: {here.folder / file.name}")
        missing = [name for name in here.spec.needs if library.find(name) is None]
        if missing:
            console.note(f"It does not work without {', '.join(missing)}; pull or import those.")
        taken.append(
            {
                "file": str(path),
                "name": here.name,
                "path": str(here.folder / file.name),
                "how": found.how,
                "sha256": found.sha256,
                "missing": missing,
            }
        )
    return {"models": taken}


def _recognise(
    path: Path, name: str | None, library: Library, console: Console
) -> tuple[Path, Recognised]:
    found = recognise(path)
    if name:
        found = as_model(found, library.spec(name))
    if found.spec is None:
        raise ModelError(
            f"{path.name} is not known: it {found.looks_like}. {' '.join(found.notes)} "
            "Say which model it is with --as NAME."
        )
    console.say(f"{path.name} is {found.spec.name} ({found.spec.title}).")
    console.note(" ".join(found.notes))
    return path, found
