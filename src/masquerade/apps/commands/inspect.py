"""``masquerade inspect``: what a file says of its origin, and whether it is true."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.found_marks import compared, find_mark, told
from masquerade.apps.origin_words import (
    told_actions,
    told_moment,
    told_problem,
    told_source,
    told_statement,
)
from masquerade.core.disclosure import SIDECAR_SUFFIX
from masquerade.core.errors import InputError
from masquerade.media.open import open_target
from masquerade.trust.inspection import Edit, Inspection, State, inspect_file

__all__ = ["EXIT_CODES", "run"]

EXIT_CODES: Mapping[State, int] = {
    "trusted": 0,
    "unknown": 20,
    "none": 21,
    "altered": 22,
    "expired": 23,
}
"""What a script learns without reading."""

_VERDICTS: Mapping[State, str] = {
    "trusted": "intact, and signed by somebody known here",
    "unknown": "intact, but nobody here knows who signed it",
    "none": "no credentials; nothing says where it comes from",
    "altered": "altered: it is not what was signed, or its credentials are damaged",
    "expired": "intact, but the certificate that signed it has ended",
}
_BUILT_IN = "the built-in mesh"
_LONGEST_LINE = 300


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Say who made a file of what, when and with what."""
    path = Path(args.file)
    found = inspect_file(path)
    stated = found.latest.statements.get("watermark") if found.latest else None
    mark = compared(find_mark(path), stated)
    missing = not mark["found"] and isinstance(stated, Mapping) and "number" in stated
    marks = told(mark) + (", though the credentials state one" if missing else "")
    verdict = f"{path.name}: {_VERDICTS[found.state]}"
    lines = [verdict, *_lines(found), _line("mark", marks), *_notes(path, found)]
    console.say("\n".join(lines))
    facts = {**found.as_dict(), "mark": mark}
    return {"file": str(path), **facts, "exit_code": EXIT_CODES[found.state]}


def _notes(path: Path, found: Inspection) -> Iterator[str]:
    """What is odd about a file of which nothing is known."""
    if found.state != "none":
        return
    if path.name.endswith(SIDECAR_SUFFIX):
        film = path.name.removesuffix(SIDECAR_SUFFIX)
        yield _line("note", f"these are the credentials of {film}; inspect that, with this beside")
        return
    try:
        open_target(path)
    except InputError as error:
        yield _line("note", str(error).partition("; ")[0])


def _lines(found: Inspection) -> Iterator[str]:
    where = {"file": "within the file", "sidecar": "in the file beside it", "": ""}
    for problem in found.problems:
        yield _line("problem", told_problem(problem))
    if found.latest is None:
        return
    if found.state == "altered":
        yield _line("note", "what follows was signed, but not for this file as it is")
    yield from _edit_lines(found.latest)
    yield _line("credentials", where[found.carrier])
    for edit in found.earlier:
        yield _line("before", _brief(edit))


def _edit_lines(edit: Edit) -> Iterator[str]:
    if edit.source_type:
        yield _line("what", told_source(edit.source_type))
    yield _line("done", told_actions(edit))
    yield _line("made with", edit.software)
    if edit.when:
        yield _line("when", told_moment(edit.when))
    yield _line("signed by", edit.signer)
    for name, statement in edit.statements.items():
        if name == "report":
            yield from _report_lines(statement)
        elif name != "history":
            yield _line(name, told_statement(name, statement))


def _brief(edit: Edit) -> str:
    """An earlier edit in one line."""
    maker = f"by {edit.software}" if edit.software else ""
    signer = f"signed by {edit.signer}" if edit.signer else ""
    what = told_source(edit.source_type)
    return "; ".join(
        filter(None, (told_moment(edit.when), told_actions(edit), maker, what, signer))
    )


def _report_lines(report: Any) -> Iterator[str]:
    settings, figures = _mapping(report, "settings"), _mapping(report, "figures")
    if not settings:
        return  # nothing was swapped
    models = report.get("models") if isinstance(report, dict) else None
    drawing = [model.get("name") for model in models or () if _mapping(model).get("precision")]
    swapper = drawing or [_BUILT_IN if settings.get("model") == "mesh" else settings.get("model")]
    yield _line("drawn by", ", ".join(map(str, swapper)))
    yield _line("figures", told_statement("figures", figures))
    yield _line("device", ", ".join(map(str, _mapping(report, "device").values())))


def _mapping(value: Any, key: str | None = None) -> Mapping[str, Any]:
    found = value.get(key) if key and isinstance(value, dict) else value
    return found if isinstance(found, dict) else {}


def _line(name: str, text: str) -> str:
    """Printable characters alone, cut to a length: the words may be a stranger's."""
    printable = "".join(char for char in f"{name:<12} {text}" if char.isprintable())
    return f"  {printable[:_LONGEST_LINE]}"
