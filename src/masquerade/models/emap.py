"""The matrix that takes an ArcFace embedding to what inswapper and its kin are told."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np

from masquerade.core.errors import ModelError
from masquerade.core.folders import cache_folder
from masquerade.runtime.graph_facts import find_initialiser

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_emap"]

_SHAPE = (512, 512)


def read_emap(path: Path) -> NDArray[np.float32]:
    """The emap of a swapper's file, found by its shape.

    The file may be half a gigabyte, so what was found (1 MB) is kept in the cache folder.

    Args:
        path: of the ONNX file as it was published.

    Returns:
        float32 (512, 512).

    Raises:
        ModelError: the file is refused, or holds no emap.
    """
    kept = _kept(path)
    try:
        emap = np.load(kept, allow_pickle=False)
        if emap.shape == _SHAPE and emap.dtype == np.float32:
            return np.asarray(emap)
    except (OSError, ValueError, EOFError):
        pass  # not kept yet, or spoilt: it is made anew
    found = find_initialiser(path, _SHAPE)
    if found is None:
        raise ModelError(
            f"{path.name} holds no emap, a weight of 512x512. Import the file as it was published."
        )
    _keep(kept, found)
    return found


def _kept(path: Path) -> Path:
    state = path.stat()
    key = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}".encode()
    return cache_folder() / "emaps" / f"{hashlib.sha256(key).hexdigest()[:32]}.npy"


def _keep(kept: Path, emap: NDArray[np.float32]) -> None:
    """Write it whole or not at all; a folder that cannot be written costs time only."""
    part = kept.with_suffix(f".{os.getpid()}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, emap)
        part.replace(kept)
    except OSError:
        part.unlink(missing_ok=True)
