"""Asking whether the licences of models are accepted."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from masquerade.core.errors import LicenceError
from masquerade.models.licences import terms_of

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.models.licences import Licences
    from masquerade.models.spec import ModelSpec

__all__ = ["settle_licences"]


def settle_licences(
    specs: Iterable[ModelSpec],
    licences: Licences,
    console: Console,
    *,
    accepted: bool,
    reader: TextIO | None = None,
    writer: TextIO | None = None,
) -> None:
    """Show the terms of models that were not accepted yet, and have them accepted.

    Args:
        specs: of the models.
        licences: where acceptances are kept.
        console: where the terms are shown.
        accepted: whether the user accepted them on the command line.
        reader: where answers are read, standard input by default.
        writer: where questions go, standard error by default.

    Raises:
        LicenceError: nobody accepted them; nothing was recorded then.
    """
    asked = [spec for spec in specs if not licences.accepted(spec)]
    if not asked:
        return
    for spec in asked:
        console.note(terms_of(spec))
    if not accepted:
        _ask(asked, reader or sys.stdin, writer or sys.stderr)
    for spec in asked:
        licences.accept(spec)


def _ask(specs: list[ModelSpec], reader: TextIO | None, writer: TextIO | None) -> None:
    names = ", ".join(spec.name for spec in specs)
    limited = [spec.name for spec in specs if not spec.commercial]
    warning = f" Non-commercial: {', '.join(limited)}." if limited else ""
    if reader is None or writer is None or not (reader.isatty() and writer.isatty()):
        raise LicenceError(
            f"The licences of these models were not accepted: {names}.{warning} "
            "Read them (masquerade models info NAME) and add --accept-licence."
        )
    writer.write("Have you read these licences, and do you accept them? [y/N] ")
    writer.flush()
    if reader.readline().strip().lower() not in {"y", "yes"}:
        raise LicenceError(f"Not accepted: {names}; nothing was fetched or taken in.")
