"""``masquerade models``: list, fetch, bring, check and remove networks; their licences."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from masquerade.apps.console import Console

__all__ = ["run"]

_ACTIONS = {
    "list": "listing",
    "info": "facts",
    "pull": "pulling",
    "import": "bringing",
    "verify": "verifying",
    "remove": "removing",
    "quantize": "quantizing",
}


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do what ``args.action`` says."""
    action = importlib.import_module(f"masquerade.apps.models.{_ACTIONS[args.action]}")
    result: dict[str, Any] = action.run(args, console)
    return {"action": args.action, **result}
