"""``masquerade encoders``: which video encoders work on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.table import table
from masquerade.media.file import ENCODERS, VIDEO_EXTENSIONS, available_encoders

__all__ = ["run"]


def run(_args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Open every known encoder and list those that answered."""
    working = available_encoders()
    rows = []
    for name in working:
        encoder = ENCODERS[name]
        kind = "hardware" if encoder.hardware else "software"
        rows.append((name, encoder.family, kind, " ".join(_extensions(encoder.containers))))
    console.say(table(("encoder", "format", "runs on", "files"), rows))
    missing = [name for name in ENCODERS if name not in working]
    if missing:
        console.note(f"Not on this machine: {', '.join(missing)}.")
    return {"encoders": list(working), "missing": missing}


def _extensions(containers: tuple[str, ...]) -> list[str]:
    return [suffix for suffix, container in VIDEO_EXTENSIONS.items() if container in containers]
