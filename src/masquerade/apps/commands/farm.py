"""``masquerade farm``: long videos and many of them, resumable, on one machine or many."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]

_ACTIONS = {
    "submit": "submitting",
    "run": "running",
    "status": "status",
    "cancel": "cancelling",
    "retry": "retrying",
    "logs": "logs",
}


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do what ``args.action`` says."""
    action = importlib.import_module(f"masquerade.apps.farm.{_ACTIONS[args.action]}")
    result: dict[str, Any] = action.run(args, console)
    return {"action": args.action, **result}
