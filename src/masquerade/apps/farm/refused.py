"""What another machine has refused, written into this installation's log as well."""

from __future__ import annotations

import contextlib
import platform

from masquerade.apps.jobs.job import Failure
from masquerade.core.errors import MasqueradeError
from masquerade.core.folders import data_folder
from masquerade.engine.record import noting_refusals

__all__ = ["installation", "note_refusal"]


def installation() -> str:
    """Tells one installation from another: the machine and the folder of its log."""
    return f"{platform.node()}:{data_folder()}"


def note_refusal(failure: Failure, where: str) -> None:
    """Write a line where a content check or somebody's word was the reason.

    Args:
        failure: what was refused.
        where: :func:`installation` of whoever refused it, and has a line of it already.
    """
    if where == installation():
        return
    with contextlib.suppress(MasqueradeError), noting_refusals():
        raise failure.as_error()
