"""The inputs that are kept for each target: one small archive."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["MOST_BYTES", "read_corpus", "write_corpus"]

_FOLDER = Path(__file__).parent / "corpus"
MOST_BYTES = 32_000
"""Of the inputs of one target, so that all together stay well below a megabyte."""


def read_corpus(name: str) -> dict[str, bytes]:
    """The kept inputs of a target by name; one that was a crash begins with ``crash-``."""
    path = _FOLDER / f"{name}.zip"
    if not path.is_file():
        return {}
    with zipfile.ZipFile(path) as archive:
        return {entry: archive.read(entry) for entry in archive.namelist()}


def write_corpus(name: str, inputs: Iterable[bytes], crashes: Iterable[bytes] = ()) -> int:
    """Keep the first inputs, and whatever has ever been a crash; returns how many they are."""
    kept = {entry: data for entry, data in read_corpus(name).items() if entry.startswith("crash-")}
    kept |= {f"crash-{_digest(data)}": data for data in crashes}
    room = MOST_BYTES
    for data in dict.fromkeys(inputs):
        if len(data) <= room:
            kept[_digest(data)] = data
            room -= len(data)
    _FOLDER.mkdir(exist_ok=True)
    with zipfile.ZipFile(_FOLDER / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in sorted(kept.items()):
            archive.writestr(zipfile.ZipInfo(entry), data, zipfile.ZIP_DEFLATED)  # dated 1980
    return len(kept)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
