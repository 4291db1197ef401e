"""Full-cost stand-ins of published networks: their graphs and costs, random weights of ours.

They answer how long a network takes and how much memory, never how well it draws. The files are
17 to 560 MB, so they are written to a folder on demand and belong to no repository.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.folders import cache_folder
from masquerade.testing.networks.full_enhancer import draft_gfpgan
from masquerade.testing.networks.full_recognition import draft_arcface_r50, draft_scrfd_10g
from masquerade.testing.networks.full_swapper import draft_inswapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnx import ModelProto

__all__ = ["FULL_COST", "stand_in_folder", "write_full_cost"]

FULL_COST: dict[str, Callable[..., ModelProto]] = {
    "inswapper": draft_inswapper,
    "gfpgan": draft_gfpgan,
    "gfpgan_exported": partial(draft_gfpgan, modulated_weights=True),
    "scrfd_10g": draft_scrfd_10g,
    "arcface_r50": draft_arcface_r50,
}
"""What builds each kind; ``filled=False`` gives its graph with weights that hold no data."""

_EDITION = 1
"""Raised whenever a graph or its weights change, so that old files are not taken for new."""


def stand_in_folder() -> Path:
    """Where the files go if the caller names no folder: it can be deleted at any time."""
    return cache_folder() / "stand-ins"


def write_full_cost(kind: str, folder: Path | None = None) -> Path:
    """Path of the stand-in, written first where it is not there yet.

    Args:
        kind: a key of :data:`FULL_COST`.
        folder: made if missing; None is :func:`stand_in_folder`.
    """
    folder = stand_in_folder() if folder is None else folder
    path = folder / f"{kind}-{_EDITION}.onnx"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    model = FULL_COST[kind]()
    # Another process may write the same file: each to a name of its own, then a rename.
    partial_path = path.with_suffix(f".{os.getpid()}.part")
    partial_path.write_bytes(model.SerializeToString())
    partial_path.replace(path)
    return path
