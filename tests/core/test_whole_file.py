"""A small file is replaced as a whole, or stays as it was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from masquerade.core.whole_file import write_whole


def test_text_and_bytes_take_the_place_of_what_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_whole(path, "über")
    assert path.read_text(encoding="utf-8") == "über"
    write_whole(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert [item.name for item in tmp_path.iterdir()] == ["kept.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_it_is_its_owners_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "kept", "secret")
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600


def test_what_was_there_stays_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    write_whole(path, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["kept"]
