"""What a measured scenario comes to, made up."""

from __future__ import annotations

from typing import Any


def figures(name: str, **changes: Any) -> dict[str, Any]:
    """A row as ``bench`` prints it."""
    row = {
        "scenario": name,
        "fps": 30.0,
        "live_fps": 30.0,
        "p50_ms": 20.0,
        "p95_ms": 30.0,
        "dropped": 0.0,
        "rss_mb": 400.0,
        "vram_mb": None,
        "stages_ms": {"swap": 8.0},
        "networks": [],
        "notices": [],
    }
    return row | changes
