"""What was done to a file before it was edited, for credentials that cannot hold its manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masquerade.core.errors import InputError
from masquerade.trust.inspection import inspect_file
from masquerade.trust.signing_identity import SigningStore

__all__ = ["history_of"]

_MOST = 64


def history_of(file: Path, store: SigningStore) -> list[dict[str, Any]]:
    """Earlier edits of a file in plain data, the latest first, each with the state in which it
    was found; empty where nothing is known.

    Raises:
        SigningError: this installation's identity is damaged.
    """
    try:
        found = inspect_file(file, store=store)
    except InputError:
        return []
    if found.latest is None:
        return [] if found.state == "none" else [{"state": found.state}]
    edits = [found.latest, *found.earlier][:_MOST]
    return [{**edit.brief(), "state": found.state} for edit in edits]
