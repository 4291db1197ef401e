"""Figures of the article this project started from; none of them was measured here."""

from __future__ import annotations

__all__ = ["QUOTED"]

QUOTED: tuple[tuple[str, str, str], ...] = (
    ("RTX 4090", "30+", "6000..8000"),
    ("M2 Max", "25..30", "4000..6000"),
    ("RTX 3060", "20..25", "4000..6000"),
    ("processor alone", "5..10", "8000..12000"),
)
"""Device, frames a second, memory in megabytes, of Deep-Live-Cam with inswapper_128."""
