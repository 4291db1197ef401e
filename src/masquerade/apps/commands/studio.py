"""``masquerade studio``: the studio in a browser."""

from __future__ import annotations

import argparse
from typing import Any

from masquerade.apps.console import Console

__all__ = ["run"]


def run(args: argparse.Namespace, _console: Console) -> dict[str, Any]:
    """Serve the studio until it is stopped."""
    from masquerade.apps.studio.config import StudioConfig
    from masquerade.apps.studio.launch import run_studio

    run_studio(StudioConfig(host=args.host, port=args.port))
    return {}
