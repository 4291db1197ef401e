"""``masquerade models verify``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from masquerade.apps.models.transfer_line import TransferLine
from masquerade.core.errors import ModelError
from masquerade.models.download import Transferred
from masquerade.models.library import Library, Verdict

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Read installed files and compare their hashes with the recorded ones."""
    library = Library()
    names = list(dict.fromkeys(args.names)) or [item.name for item in library.installed()]
    if not names:
        console.say("No model is installed.")
    verdicts = [verdict for name in names for verdict in _verify(name, library, console)]
    for verdict in verdicts:
        said = f"right ({verdict.file.trust})" if verdict.right else "DAMAGED"
        console.say(f"{verdict.model}/{verdict.file.name}: {said}")
    wrong = [verdict for verdict in verdicts if not verdict.right]
    result = {"files": [_facts(verdict) for verdict in verdicts]}
    if wrong:
        console.note(
            f"{len(wrong)} of {len(verdicts)} files changed after they came; remove the models and "
            "pull them again."
        )
        return {**result, "exit_code": ModelError.exit_code}
    return result


def _verify(name: str, library: Library, console: Console) -> list[Verdict]:
    found = library.find(name)
    total = found.size_bytes if found else None
    done = 0
    with console.progress(name) as line:
        show = TransferLine(name, line)

        def read(count: int) -> None:
            nonlocal done
            done += count
            show(Transferred(done, total))

        return library.verify(name, read)


def _facts(verdict: Verdict) -> dict[str, Any]:
    return {
        "model": verdict.model,
        "file": verdict.file.name,
        "right": verdict.right,
        "sha256": verdict.sha256,
        "expected": verdict.file.sha256,
        "trust": verdict.file.trust,
    }
