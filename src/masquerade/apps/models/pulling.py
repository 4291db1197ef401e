"""``masquerade models pull``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.models.licence_question import settle_licences
from masquerade.apps.models.sizes import megabytes
from masquerade.apps.models.transfer_line import TransferLine
from masquerade.models.library import Library
from masquerade.models.mirrors import Permissions
from masquerade.models.pull import Pull, pull

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.models.library import Installed
    from masquerade.models.spec import ModelSpec

__all__ = ["run"]

_TRUST = {
    "publisher": "its hash is the one that its publisher states",
    "reported": "its hash is the one that others reported",
    "first use": "nobody told its hash, which is remembered from now on",
    "user": "your own file",
}


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Fetch models and what they need."""
    library = Library()
    specs = _with_needs([library.spec(name) for name in args.names], library, alone=args.alone)
    settle_licences(specs, library.licences, console, accepted=args.accept_licence)
    results = [_pull(spec, args, library, console) for spec in specs]
    return {"models": results}


def _with_needs(specs: list[ModelSpec], library: Library, *, alone: bool) -> list[ModelSpec]:
    """The models and, unless alone, those that they need and that are not here."""
    wanted = {spec.name: spec for spec in specs}
    if not alone:
        for spec in specs:
            for name in spec.needs:
                if library.find(name) is None:
                    wanted.setdefault(name, library.spec(name))
    return list(wanted.values())


def _pull(
    spec: ModelSpec, args: argparse.Namespace, library: Library, console: Console
) -> dict[str, Any]:
    asked = spec.name in args.names  # needs are taken as they come
    with console.progress(spec.name) as line:
        show = TransferLine(spec.name, line)
        how = Pull(
            exporter=(args.exporter or "") if asked else "",
            precision=(args.precision or "") if asked else "",
            trust=args.trust,
            permissions=Permissions.from_environment(offline=args.offline, insecure=args.insecure),
            show=show,
            waiting=lambda: console.note(f"Another process is at {spec.name}; waiting for it."),
        )
        try:
            found = pull(library, spec.name, how)
        except KeyboardInterrupt:
            console.note("What was fetched is kept; the same command goes on from there.")
            raise
    return _report(found, console, fresh=show.begun)


def _report(found: Installed, console: Console, *, fresh: bool) -> dict[str, Any]:
    published = [file for file in found.files if file.published]
    file = published[-1] if fresh else found.main
    if fresh:
        console.say(
            f"{found.name}: {megabytes(file.size_bytes)}, {file.precision}, from {file.origin}; "
            f"{_TRUST.get(file.trust, file.trust)}."
        )
    else:
        console.say(f"{found.name} is installed already: {found.path}")
    return {
        "name": found.name,
        "path": str(found.folder / file.name),
        "fetched": fresh,
        "sha256": file.sha256,
        "trust": file.trust,
        "origin": file.origin,
    }
