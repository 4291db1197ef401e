"""``masquerade models remove``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from masquerade.apps.models.sizes import megabytes
from masquerade.core.errors import ModelError, SettingsError
from masquerade.models.library import Library

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Delete models, after a question."""
    library = Library()
    names = list(dict.fromkeys(args.names))
    for name in names:
        if not (library.folder / library.spec(name).name).is_dir():
            raise ModelError(f"The model {name} is not installed; see: masquerade models list.")
    if not args.yes:
        _ask(names)
    freed = {}
    for name in names:
        freed[name] = library.remove(name)
        console.say(f"{name} is removed; {megabytes(freed[name])} are free again.")
    for item in library.installed():
        lost = [name for name in names if name in item.spec.needs]
        if lost:
            console.note(f"{item.name} does not work without {', '.join(lost)}.")
    return {"removed": [{"name": name, "size_bytes": size} for name, size in freed.items()]}


def _ask(names: list[str]) -> None:
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise SettingsError(f"Nobody is here to confirm; add --yes to remove {', '.join(names)}.")
    sys.stderr.write(f"Delete {', '.join(names)} with all variants made here? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise SettingsError("Nothing was removed; answer y, or add --yes.")
