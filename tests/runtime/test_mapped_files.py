from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from masquerade.runtime.mapped_files import let_go_of_mapped
from masquerade.runtime.memory import resident_bytes

SIZE = 40_000_000
PAGES = range(0, SIZE, mmap.PAGESIZE)

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told")


def file_in(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "weights.bin"
    path.write_bytes(bytes(range(250)) * (SIZE // 250))
    return path


@linux
def test_mapped_pages_go_and_come_back(tmp_path: Path) -> None:
    path = file_in(tmp_path / "a")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        before = sum(mapped[place] for place in PAGES)
        there = resident_bytes()
        assert let_go_of_mapped(tmp_path / "b") == 0  # another folder
        assert let_go_of_mapped(tmp_path / "a") >= SIZE
        assert there - resident_bytes() > 0.5 * SIZE  # others take some meanwhile
        assert sum(mapped[place] for place in PAGES) == before


@linux
def test_what_was_changed_in_memory_stays(tmp_path: Path) -> None:
    path = file_in(tmp_path / "a")
    with (
        path.open("rb") as file,
        mmap.mmap(
            file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
        ) as mapped,
    ):
        mapped[7] = 99
        assert let_go_of_mapped(tmp_path / "a") == 0
        assert mapped[7] == 99


@pytest.mark.skipif(sys.platform == "linux", reason="Linux is told")
def test_other_systems_are_left_alone(tmp_path: Path) -> None:
    assert let_go_of_mapped(tmp_path) == 0
